import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { asDemo, createExport, ended, ticketFor } from '../support/api.ts';
import { home, sourceUrl, sql } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

const clients = 50;
/** The long form has a file of 200 MB: `STREAMSYNC_TEST_LONG=1 npm test -- tests/integration/cold-cache.test.ts`. */
const isLong = process.env.STREAMSYNC_TEST_LONG === '1';
const kilobytes = isLong ? 200_000 : 9_000;
const view = `cold_cache_${Date.now()}`;
const sliceBytes = 4 * 2 ** 20;

beforeAll(() =>
  sql(
    sourceUrl('sales'),
    `create view ${view} as
       select n as id, repeat(md5(n::text), 32) as text from generate_series(1, ${kilobytes}) n`,
  ),
);
afterAll(() => sql(sourceUrl('sales'), `drop view ${view}`));

/** Returns how many slices of the file NGINX has fetched: the authorizer signs each request for one. */
async function fetchedSlices(exportId: string): Promise<number> {
  const log = await readFile(join(home(), 'logs', 'download-authorizer.log'), 'utf8');
  return log
    .split('\n')
    .filter((line) => line.includes('"/internal/sign-slice"') && line.includes(exportId)).length;
}

async function sha256Of(url: string): Promise<string> {
  const response = await fetch(url, { headers: asDemo, signal: AbortSignal.timeout(300_000) });
  if (response.status !== 200 || !response.body)
    throw new Error(`NGINX answered ${response.status}`);
  const hash = createHash('sha256');
  for await (const chunk of response.body) hash.update(chunk);
  return hash.digest('hex');
}

test('many clients of a file that is not cached cause one read of each slice, and all get the file', async () => {
  const { id } = await createExport({ sources: ['sales'], dataset: view, format: 'csv' });
  const { file } = await ended(id);
  expect(file?.bytes).toBeGreaterThan(kilobytes * 1_000);
  const slices = Math.ceil((file?.bytes ?? 0) / sliceBytes);
  expect(slices).toBeGreaterThan(2);
  const url = await ticketFor(id);
  const hashes = await Promise.all(Array.from({ length: clients }, () => sha256Of(url)));
  expect(new Set(hashes)).toEqual(new Set([file?.sha256]));
  await waitFor('every slice is fetched', async () =>
    (await fetchedSlices(id)) >= slices ? true : undefined,
  );
  expect(await fetchedSlices(id)).toBe(slices);
});
