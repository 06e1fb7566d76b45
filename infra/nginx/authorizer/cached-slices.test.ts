import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { CachedSlices } from './cached-slices.ts';

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'streamsync-cache-'));
});
afterEach(() => rm(directory, { recursive: true }));

async function addSlice(name: string, key: string): Promise<void> {
  const folder = join(directory, 'a', 'bc');
  await mkdir(folder, { recursive: true });
  const head = Buffer.concat([Buffer.from([5, 0, 0, 0, 255]), Buffer.from(`\nKEY: ${key}\nHTTP/`)]);
  await writeFile(join(folder, name), head);
}
const files = async () =>
  (await readdir(directory, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map(({ name }) => name.slice(0, 1))
    .toSorted();

test('slices of objects that are not kept are deleted, and no other file', async () => {
  await addSlice('1'.repeat(32), 'exports/gonebytes=0-4194303');
  await addSlice('2'.repeat(32), 'exports/gonebytes=4194304-8388607');
  await addSlice('3'.repeat(32), 'exports/keptbytes=0-4194303');
  await addSlice('4'.repeat(32), 'a key of something else');
  // NGINX is writing it.
  await addSlice(`${'5'.repeat(32)}.0000000001`, 'exports/gonebytes=0-4194303');
  const slices = new CachedSlices(directory);
  const asked: string[][] = [];
  const drop = () =>
    slices.drop(async (keys) => {
      asked.push(keys.toSorted());
      return new Set(['exports/kept']);
    });
  expect(await drop()).toBe(2);
  expect(await files()).toEqual(['3', '4', '5']);
  expect(await drop()).toBe(0);
  expect(asked).toEqual([['exports/gone', 'exports/kept'], ['exports/kept']]);
});

test('without a cache nothing is deleted', async () => {
  const slices = new CachedSlices(join(directory, 'none'));
  expect(await slices.drop(async () => new Set())).toBe(0);
});
