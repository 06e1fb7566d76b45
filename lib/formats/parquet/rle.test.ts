import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { encodeRleHybrid } from './rle.ts';

/** Decodes `count` values; the last group may be padded. */
function unpack(bytes: Buffer, bits: number, count: number): number[] {
  const levels: number[] = [];
  let at = 0;
  while (at < bytes.length) {
    let header = 0;
    for (let shift = 0, more = true; more; shift += 7) {
      const byte = bytes[at++] ?? 0;
      header |= (byte & 127) << shift;
      more = byte > 127;
    }
    if (header % 2 === 0) {
      const width = Math.ceil(bits / 8);
      const level = bytes.readUIntLE(at, width);
      for (let n = 0; n < header >> 1; n++) levels.push(level);
      at += width;
    } else {
      const end = at + (header >> 1) * bits;
      for (let first = 0; first < (end - at) * 8; first += bits) {
        let level = 0;
        for (let bit = first; bit < first + bits; bit++)
          level |= (((bytes[at + (bit >> 3)] ?? 0) >> (bit & 7)) & 1) << (bit - first);
        levels.push(level);
      }
      at = end;
    }
  }
  expect(levels.length - count).toBeLessThan(8);
  return levels.slice(0, count);
}

test.each([1, 2, 3, 8, 9, 15, 16])(
  'encodeRleHybrid encodes values of %d bits without a loss',
  (bits) => {
    const run = fc.record({
      level: fc.integer({ min: 0, max: 2 ** bits - 1 }),
      times: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 1_000 })),
    });
    fc.assert(
      fc.property(fc.array(run, { maxLength: 30 }), (runs) => {
        const levels = runs.flatMap(({ level, times }) =>
          Array.from({ length: times }, () => level),
        );
        expect(
          unpack(
            encodeRleHybrid(Uint16Array.from(levels), bits, 3).subarray(3),
            bits,
            levels.length,
          ),
        ).toEqual(levels);
      }),
    );
  },
);
