import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { encodeDelta } from './delta.ts';
import { PlainBuffer } from './plain-buffer.ts';

function bufferOf(values: readonly bigint[], width: 4 | 8): PlainBuffer {
  const buffer = new PlainBuffer();
  for (const value of values) {
    const at = buffer.reserve(width);
    if (width === 4) buffer.view.setInt32(at, Number(value), true);
    else buffer.view.setBigInt64(at, value, true);
  }
  return buffer;
}

/** Decodes DELTA_BINARY_PACKED as the format defines it, value by value. */
function decode(bytes: Buffer): bigint[] {
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++] ?? 0;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  const signed = (): bigint => {
    const value = varint();
    return value & 1n ? -(value >> 1n) - 1n : value >> 1n;
  };
  const [block, miniblocks, count] = [Number(varint()), Number(varint()), Number(varint())];
  const perMiniblock = block / miniblocks;
  expect([block % 128, perMiniblock % 32]).toEqual([0, 0]);
  const values = [signed()];
  while (values.length < count) {
    const min = signed();
    const widths = [...bytes.subarray(at, at + miniblocks)];
    at += miniblocks;
    for (const width of widths) {
      if (values.length === count) {
        expect(width).toBe(0);
        continue;
      }
      for (let n = 0; n < perMiniblock; n++) {
        let packed = 0n;
        for (let bit = 0; bit < width; bit++) {
          const place = n * width + bit;
          packed |= BigInt(((bytes[at + (place >> 3)] ?? 0) >> (place & 7)) & 1) << BigInt(bit);
        }
        if (values.length < count) values.push((values.at(-1) ?? 0n) + min + packed);
      }
      at += (perMiniblock * width) / 8;
    }
  }
  expect(at).toBe(bytes.length);
  return values;
}

const unlimited = 1_000_000;

test.each([
  [4, 30n],
  [8, 51n],
] as const)('encodeDelta encodes whole numbers of %d bytes without a loss', (width, largest) => {
  const bits = BigInt(8 * width);
  const step = fc.oneof(
    fc.constantFrom(0n, 1n, -1n, 2n ** largest, -(2n ** largest)),
    fc.bigInt({ min: -(2n ** largest), max: 2n ** largest }),
    fc.bigInt({ min: -300n, max: 300n }),
  );
  fc.assert(
    fc.property(
      fc.bigInt({ min: -(2n ** (bits - 1n)), max: 2n ** (bits - 1n) - 1n }),
      fc.array(fc.tuple(step, fc.integer({ min: 1, max: 70 })), { minLength: 1, maxLength: 12 }),
      (first, steps) => {
        const values = [first];
        for (const [delta, times] of steps)
          for (let n = 0; n < times; n++) {
            const next = (values.at(-1) ?? 0n) + delta;
            if (next === BigInt.asIntN(Number(bits), next)) values.push(next);
          }
        fc.pre(values.length > 1);
        const bytes = encodeDelta(bufferOf(values, width), width, unlimited);
        expect(bytes && decode(bytes)).toEqual(values);
      },
    ),
    { numRuns: 300 },
  );
});

test.each([
  [4, [0n, 2n ** 30n + 1n]],
  [4, [-(2n ** 31n), 2n ** 31n - 1n]],
  [8, [0n, -(2n ** 51n) - 1n]],
  [8, [-(2n ** 63n), 2n ** 63n - 1n]],
  [8, [2n ** 63n - 1n, -(2n ** 63n)]],
] as const)(
  'encodeDelta refuses %d bytes whose differences readers might overflow: %s',
  (width, values) => {
    expect(encodeDelta(bufferOf(values, width), width, unlimited)).toBeNull();
  },
);

test('encodeDelta refuses a page that would need as many bytes as the limit, and one without differences', () => {
  const values = bufferOf(
    Array.from({ length: 1_000 }, (_, n) => BigInt(n * n)),
    8,
  );
  const { length } = encodeDelta(values, 8, unlimited) ?? { length: 0 };
  expect(encodeDelta(values, 8, length + 1)).toHaveLength(length);
  expect(encodeDelta(values, 8, length)).toBeNull();
  for (const few of [[], [7n]]) expect(encodeDelta(bufferOf(few, 8), 8, unlimited)).toBeNull();
});
