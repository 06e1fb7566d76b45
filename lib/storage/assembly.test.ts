import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Part, planParts, type Segment, type Stretch } from './assembly.ts';

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

const lengthOf = (it: Buffer | Stretch): number =>
  Buffer.isBuffer(it) ? it.length : it.end - it.start;
const sizeOf = (part: Part): number =>
  'copy' in part
    ? lengthOf(part.copy)
    : part.send.reduce((total, piece) => total + lengthOf(piece), 0);

/** What the parts say, stretches that follow each other joined again. */
function content(parts: Part[]): string[] {
  const said: (Buffer | Stretch)[] = [];
  for (const piece of parts.flatMap((part) => ('copy' in part ? [part.copy] : part.send))) {
    const last = said.at(-1);
    if (last && !Buffer.isBuffer(last) && !Buffer.isBuffer(piece) && last.key === piece.key) {
      expect(piece.start).toBe(last.end);
      said[said.length - 1] = { ...last, end: piece.end };
    } else said.push(piece);
  }
  return said.map((it) =>
    Buffer.isBuffer(it) ? it.toString('hex') : `${it.key} ${it.start} ${it.end}`,
  );
}

describe('the parts of an object made of others', () => {
  test('are all of every segment, once, in order', () => {
    fc.assert(
      fc.property(segments, (given) => {
        const wanted = given.flatMap((it) =>
          'bytes' in it
            ? it.bytes.length === 0
              ? []
              : [it.bytes.toString('hex')]
            : it.size === 0
              ? []
              : [`${it.key} 0 ${it.size}`],
        );
        expect(content(planParts(given))).toEqual(wanted);
      }),
    );
  });

  test('keep the limits of S3', () => {
    fc.assert(
      fc.property(segments, (given) => {
        const sizes = new Map(given.flatMap((it) => ('key' in it ? [[it.key, it.size]] : [])));
        const parts = planParts(given);
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

  test('of nothing are one part of nothing', () => {
    expect(planParts([])).toEqual([{ send: [] }]);
  });
});
