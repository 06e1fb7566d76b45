import { expect, test } from '@jest/globals';
import { zipParts } from '../testing/zip-parts.ts';
import { ZipWriter } from './zip-writer.ts';

const long = Array.from({ length: 50_000 }, (_, n) => `line ${n * 7_919} `).join('');

/** The places from which on zip64 is used: never, for all entries, for the last ones, for the directory alone. */
test.each([
  ['no entry', undefined],
  ['every entry', 0],
  ['the last entries', 300],
  ['the directory', 10_000],
])('a zip has the entries that were written, with zip64 for %s', async (_, from) => {
  const output: Buffer[] = [];
  const zip = new ZipWriter((chunk) => output.push(chunk), from);
  zip.add('a short.xml', '<a/>');
  zip.begin('späť/empty');
  await zip.end();
  zip.begin('long');
  for (let at = 0; at < long.length; at += 100_000)
    await zip.write(Buffer.from(long.slice(at, at + 100_000)));
  await zip.end();
  zip.add('last', 'é');
  zip.finish();
  const bytes = Buffer.concat(output);
  expect(await zipParts(bytes)).toEqual([
    ['a short.xml', '<a/>'],
    ['späť/empty', ''],
    ['long', long],
    ['last', 'é'],
  ]);
  expect(bytes.length).toBeLessThan(long.length / 2);
  expect(bytes.includes(Buffer.from('PK\x06\x06'))).toBe(from !== undefined);
});

test('a zip without entries can be read', async () => {
  const output: Buffer[] = [];
  new ZipWriter((chunk) => output.push(chunk)).finish();
  expect(await zipParts(Buffer.concat(output))).toEqual([]);
});

test('an entry is written only between its begin and its end', async () => {
  const zip = new ZipWriter(() => undefined);
  await expect(zip.write(Buffer.from('x'))).rejects.toThrow('no open entry');
  await expect(zip.end()).rejects.toThrow('no open entry');
});
