import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type ByteRange, type Part, planParts, type Segment } from './assembly.ts';

const mebibyte = 2 ** 20;
const object = fc.record({
  key: fc.uuid(),
  size: fc.oneof(
    fc.integer({ min: 0, max: 12 * mebibyte }),
    fc.constantFrom(0, 1, 5 * mebibyte - 1, 5 * mebibyte, 5 * mebibyte + 1, 10 * mebibyte),
    fc.integer({ min: 2 ** 30 - 1, max: 4 * 2 ** 30 }),
  ),
});
const bytes = fc.record({ bytes: fc.uint8Array({ maxLength: 20 }).map((it) => Buffer.from(it)) });
const segments: fc.Arbitrary<Segment[]> = fc.array(fc.oneof(object, bytes), { maxLength: 12 });

const lengthOf = (it: Buffer | ByteRange): number =>
  Buffer.isBuffer(it) ? it.length : it.end - it.start;
const sizeOf = (part: Part): number =>
  'copy' in part
    ? lengthOf(part.copy)
    : part.send.reduce((total, item) => total + lengthOf(item), 0);

/** Returns the content of the parts, with adjacent ranges of an object merged. */
function contentOf(parts: Part[]): string[] {
  const merged: (Buffer | ByteRange)[] = [];
  for (const item of parts.flatMap((part) => ('copy' in part ? [part.copy] : part.send))) {
    const last = merged.at(-1);
    if (last && !Buffer.isBuffer(last) && !Buffer.isBuffer(item) && last.key === item.key) {
      expect(item.start).toBe(last.end);
      merged[merged.length - 1] = { ...last, end: item.end };
    } else merged.push(item);
  }
  return merged.map((it) =>
    Buffer.isBuffer(it) ? it.toString('hex') : `${it.key} ${it.start} ${it.end}`,
  );
}

describe('planParts', () => {
  test('planParts includes every segment whole, once and in order', () => {
    fc.assert(
      fc.property(segments, (segmentsToJoin) => {
        const expected = segmentsToJoin.flatMap((it) =>
          'bytes' in it
            ? it.bytes.length === 0
              ? []
              : [it.bytes.toString('hex')]
            : it.size === 0
              ? []
              : [`${it.key} 0 ${it.size}`],
        );
        expect(contentOf(planParts(segmentsToJoin))).toEqual(expected);
      }),
    );
  });

  test('planParts keeps the limits of S3', () => {
    fc.assert(
      fc.property(segments, (segmentsToJoin) => {
        const sizes = new Map(
          segmentsToJoin.flatMap((it) => ('key' in it ? [[it.key, it.size]] : [])),
        );
        const parts = planParts(segmentsToJoin);
        expect(parts.length).toBeGreaterThan(0);
        for (const part of parts.slice(0, -1))
          expect(sizeOf(part)).toBeGreaterThanOrEqual(5 * mebibyte);
        for (const part of parts) {
          if ('copy' in part) {
            expect(sizes.get(part.copy.key)).toBeGreaterThan(5 * mebibyte);
            expect(sizeOf(part)).toBeLessThanOrEqual(5 * 2 ** 30);
          } else expect(sizeOf(part)).toBeLessThanOrEqual(10 * mebibyte + 20);
        }
      }),
    );
  });

  test('planParts returns one empty part without segments', () => {
    expect(planParts([])).toEqual([{ send: [] }]);
  });
});
