import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { exportListSchema } from '../../lib/contracts/export-document.ts';
import { routes } from '../../lib/contracts/routes.ts';
import { asDemo, call } from '../stack/api.ts';
import { fuzz, installSchemathesis } from '../stack/schemathesis.ts';
import { credentials, stack } from '../stack/stack.ts';

const installSeconds = 5 * 60;
const fuzzSeconds = 60;
const began = Date.now();

beforeAll(() => installSchemathesis(installSeconds));

// What was asked for by chance: nothing of it is left to run beside the other suites.
afterAll(async () => {
  const list = await call('GET', '/exports?limit=200', { headers: asDemo });
  for (const { id, createdAt } of list.json(exportListSchema).items)
    if (Date.parse(createdAt) >= began) await call('DELETE', `/exports/${id}`, { headers: asDemo });
});

/**
 * What such a run has found before stands in refusals.test.ts and in the property tests beside the code,
 * where it is asked again each time.
 */
test('whatever is asked, the API answers as it is documented, and never with a 5xx', async () => {
  // Told in the output, so that what is found can be found again.
  const { exitCode, output } = await fuzz(stack.api, credentials.demo.apiKey, {
    seconds: fuzzSeconds,
    seed: began,
  });
  if (exitCode !== 0) console.error(output);
  expect(exitCode).toBe(0);
  // It has really asked, and asked everything but for the document, which it has read.
  expect(Number(/Tested: (\d+)/.exec(output)?.[1])).toBe(routes.length - 1);
  expect(Number(/(?<!\d)(\d+) generated/.exec(output)?.[1])).toBeGreaterThan(routes.length);
});
