import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { rotateLogs } from './rotate-logs.ts';

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'streamsync-logs-'));
});
afterEach(() => rm(directory, { recursive: true }));

test('a log that is too large is renamed, and only the newest ones are kept', async () => {
  const logs = [{ name: 'requests.log', maxBytes: 10, keep: 2 }];
  const fill = (bytes: number) => writeFile(join(directory, 'requests.log'), 'x'.repeat(bytes));
  const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute));
  expect(rotateLogs(directory, logs, at(0))).toBe(false);
  await fill(10);
  expect(rotateLogs(directory, logs, at(1))).toBe(false);
  for (const minute of [2, 3, 4]) {
    await fill(11);
    expect(rotateLogs(directory, logs, at(minute))).toBe(true);
  }
  expect((await readdir(directory)).toSorted()).toEqual([
    'requests.log.2026-01-01T00-03-00-000Z',
    'requests.log.2026-01-01T00-04-00-000Z',
  ]);
});
