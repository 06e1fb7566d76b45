import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { exportListSchema } from '../../lib/contracts/export-document.ts';
import { routes } from '../../lib/contracts/routes.ts';
import { asDemo, call } from '../support/api.ts';
import { fuzz, installSchemathesis } from '../support/schemathesis.ts';
import { credentials, stack } from '../support/stack.ts';

const installSeconds = 5 * 60;
const fuzzSeconds = 60;
const startedAt = Date.now();

beforeAll(() => installSchemathesis(installSeconds));

// Cancels the exports that were created at random, so that none runs during the next suite.
afterAll(async () => {
  const list = await call('GET', '/exports?limit=200', { headers: asDemo });
  for (const { id, createdAt } of list.json(exportListSchema).items)
    if (Date.parse(createdAt) >= startedAt)
      await call('DELETE', `/exports/${id}`, { headers: asDemo });
});

/**
 * The earlier findings of such runs are tests of their own, in error-responses.test.ts and in the property tests of
 * lib.
 */
test('the API answers random requests as documented, and never with status 5xx', async () => {
  // The seed is in the output, so that a finding can be reproduced.
  const { exitCode, output } = await fuzz(stack.api, credentials.demo.apiKey, {
    seconds: fuzzSeconds,
    seed: startedAt,
  });
  if (exitCode !== 0) console.error(output);
  expect(exitCode).toBe(0);
  // Every operation was called except that of the document itself, which was read, and `revokeKey`.
  expect(Number(/Tested: (\d+)/.exec(output)?.[1])).toBe(routes.length - 2);
  expect(Number(/(?<!\d)(\d+) generated/.exec(output)?.[1])).toBeGreaterThan(routes.length);
});
