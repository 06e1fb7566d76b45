import { createHash } from 'node:crypto';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { z } from 'zod';
import { letterOf, shortLetter } from './dead-letter.ts';
import type { MessageParts } from './message-headers.ts';

const origin = { topic: 'exports.requested', partition: 1, offset: 42 };
const bytes = (maxLength: number) =>
  fc.uint8Array({ maxLength }).map((array) => Buffer.from(array));
const record = fc.record<MessageParts>({
  key: fc.option(bytes(40)),
  value: fc.option(bytes(40)),
  headers: fc.array(
    fc.record({ key: fc.string().map((name) => name.toWellFormed()), value: bytes(20) }),
    { maxLength: 5 },
  ),
});

const sizeOf = ({ key, value, headers }: MessageParts): number =>
  (key?.length ?? 0) +
  (value?.length ?? 0) +
  headers.reduce((sum, header) => sum + header.key.length + header.value.length + 10, 0);

const headerTexts = ({ headers }: MessageParts): Map<string, string> =>
  new Map(headers.map(({ key, value }) => [key, String(value)]));

const sha256 = (chunks: readonly Buffer[]): string =>
  createHash('sha256').update(Buffer.concat(chunks)).digest('hex');

const cutSchema = z.record(
  z.string(),
  z.object({ bytes: z.int(), sha256: z.string(), count: z.int().optional() }),
);

test('a dead letter keeps a record that fits unchanged and adds its headers after the record’s', () => {
  fc.assert(
    fc.property(record, (original) => {
      const letter = letterOf(original, origin, 'no JSON');
      expect(letter.key).toEqual(original.key);
      expect(letter.value).toEqual(original.value);
      expect(letter.headers.slice(0, original.headers.length)).toEqual(original.headers);
      expect(
        letter.headers.slice(original.headers.length).map(({ key, value }) => [key, String(value)]),
      ).toEqual([
        ['reason', 'no JSON'],
        ['topic', 'exports.requested'],
        ['partition', '1'],
        ['offset', '42'],
      ]);
    }),
  );
});

test('a dead letter of a record that is too large is cut and has its sizes and hashes', () => {
  const large = {
    key: Buffer.alloc(20_000, 'k'),
    value: Buffer.alloc(5_000_000, 'v'),
    headers: Array.from({ length: 10_000 }, (_, n) => ({
      key: `h${n}`,
      value: Buffer.from(String(n)),
    })),
  };
  const letter = letterOf(large, origin, 'x'.repeat(50_000));
  expect(sizeOf(letter)).toBeLessThan(320_000);
  expect(large.value.subarray(0, letter.value?.length).equals(letter.value ?? large.key)).toBe(
    true,
  );
  const cut = cutSchema.parse(JSON.parse(headerTexts(letter).get('cut') ?? ''));
  expect(cut.key).toEqual({ bytes: 20_000, sha256: sha256([large.key]) });
  expect(cut.value).toEqual({ bytes: 5_000_000, sha256: sha256([large.value]) });
  const all = large.headers.flatMap(({ key, value }) => [Buffer.from(key), value]);
  expect(cut.headers).toEqual({
    count: 10_000,
    bytes: Buffer.concat(all).length,
    sha256: sha256(all),
  });
  expect(headerTexts(letter).get('offset')).toBe('42');
});

test('the short form of a dead letter is small and keeps the origin and the hashes of the record', () => {
  const large = {
    key: null,
    value: Buffer.alloc(1_000_000, 'v'),
    headers: [{ key: 'trace', value: Buffer.alloc(30_000) }],
  };
  const short = shortLetter(letterOf(large, origin, 'too large'));
  expect(sizeOf(short)).toBeLessThan(10_000);
  expect(headerTexts(short).get('topic')).toBe('exports.requested');
  // The size of the record, not of the letter that was cut from it.
  expect(cutSchema.parse(JSON.parse(headerTexts(short).get('cut') ?? '')).value?.bytes).toBe(
    1_000_000,
  );
});
