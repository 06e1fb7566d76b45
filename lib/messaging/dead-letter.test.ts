import { createHash } from 'node:crypto';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { z } from 'zod';
import type { MessageParts } from './header.ts';
import { letterOf, shortLetter } from './letter.ts';

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

const ours = ({ headers }: MessageParts): Map<string, string> =>
  new Map(headers.map(({ key, value }) => [key, String(value)]));

const sha256 = (chunks: readonly Buffer[]): string =>
  createHash('sha256').update(Buffer.concat(chunks)).digest('hex');

const cutSchema = z.record(
  z.string(),
  z.object({ bytes: z.int(), sha256: z.string(), count: z.int().optional() }),
);

test('what fits is a letter with its bytes and headers as they were, and ours behind them', () => {
  fc.assert(
    fc.property(record, (it) => {
      const letter = letterOf(it, origin, 'no JSON');
      expect(letter.key).toEqual(it.key);
      expect(letter.value).toEqual(it.value);
      expect(letter.headers.slice(0, it.headers.length)).toEqual(it.headers);
      expect(
        letter.headers.slice(it.headers.length).map(({ key, value }) => [key, String(value)]),
      ).toEqual([
        ['reason', 'no JSON'],
        ['topic', 'exports.requested'],
        ['partition', '1'],
        ['offset', '42'],
      ]);
    }),
  );
});

test('what is too large is cut, and the letter says how much there was and what it was', () => {
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
  const cut = cutSchema.parse(JSON.parse(ours(letter).get('cut') ?? ''));
  expect(cut.key).toEqual({ bytes: 20_000, sha256: sha256([large.key]) });
  expect(cut.value).toEqual({ bytes: 5_000_000, sha256: sha256([large.value]) });
  const all = large.headers.flatMap(({ key, value }) => [Buffer.from(key), value]);
  expect(cut.headers).toEqual({
    count: 10_000,
    bytes: Buffer.concat(all).length,
    sha256: sha256(all),
  });
  expect(ours(letter).get('offset')).toBe('42');
});

test('the short form of a letter fits anywhere, and still tells whence and of what', () => {
  const large = {
    key: null,
    value: Buffer.alloc(1_000_000, 'v'),
    headers: [{ key: 'trace', value: Buffer.alloc(30_000) }],
  };
  const short = shortLetter(letterOf(large, origin, 'too large'));
  expect(sizeOf(short)).toBeLessThan(10_000);
  expect(ours(short).get('topic')).toBe('exports.requested');
  // Of the record, not of the letter that was cut once already.
  expect(cutSchema.parse(JSON.parse(ours(short).get('cut') ?? '')).value?.bytes).toBe(1_000_000);
});
