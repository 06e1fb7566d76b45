import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { asDemo, createExport, ended, monthOfOrders, ticketFor } from '../support/api.ts';
import { home } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

const clients = 50;
const sliceBytes = 4 * 2 ** 20;

/** Returns how many slices of the file NGINX has fetched: the authorizer signs each request for one. */
async function fetchedSlices(exportId: string): Promise<number> {
  const log = await readFile(join(home(), 'logs', 'download-authorizer.log'), 'utf8');
  return log
    .split('\n')
    .filter((line) => line.includes('"/internal/sign-slice"') && line.includes(exportId)).length;
}

async function sha256Of(url: string): Promise<string> {
  const response = await fetch(url, { headers: asDemo, signal: AbortSignal.timeout(60_000) });
  if (response.status !== 200 || !response.body)
    throw new Error(`NGINX answered ${response.status}`);
  const hash = createHash('sha256');
  for await (const chunk of response.body) hash.update(chunk);
  return hash.digest('hex');
}

test('many clients of a file that is not cached cause one read of each slice, and all get the file', async () => {
  const { id } = await createExport({ ...monthOfOrders, to: '2024-12-01T00:00:00Z' });
  const { file } = await ended(id);
  const slices = Math.ceil((file?.bytes ?? 0) / sliceBytes);
  expect(slices).toBeGreaterThan(1);
  const url = await ticketFor(id);
  const hashes = await Promise.all(Array.from({ length: clients }, () => sha256Of(url)));
  expect(new Set(hashes)).toEqual(new Set([file?.sha256]));
  await waitFor('every slice is fetched', async () =>
    (await fetchedSlices(id)) >= slices ? true : undefined,
  );
  expect(await fetchedSlices(id)).toBe(slices);
});
