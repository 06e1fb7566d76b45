import { expect, test } from '@jest/globals';
import { bigintArray, doubleArray, instantArray, textArray } from './binary-arrays.ts';

/** Reads an array as the server does. */
function elements(array: Buffer): { oid: number; hasNull: boolean; values: (Buffer | null)[] } {
  expect(array.readInt32BE(0)).toBe(1);
  const count = array.readInt32BE(12);
  const values: (Buffer | null)[] = [];
  let position = 20;
  for (let n = 0; n < count; n++) {
    const length = array.readInt32BE(position);
    position += 4;
    values.push(length === -1 ? null : array.subarray(position, position + length));
    position += Math.max(0, length);
  }
  expect(position).toBe(array.length);
  return { oid: array.readInt32BE(8), hasNull: array.readInt32BE(4) === 1, values };
}

test('textArray writes UTF-8, empty texts and nulls', () => {
  const { oid, hasNull, values } = elements(textArray(['a', '', null, 'Łódź 😀']));
  expect(oid).toBe(25);
  expect(hasNull).toBe(true);
  expect(values.map((value) => value && String(value))).toEqual(['a', '', null, 'Łódź 😀']);
});

test('doubleArray writes every kind of double', () => {
  const numbers = [0, -0, 5e-324, Number.MAX_VALUE, -1.5];
  const { oid, values } = elements(doubleArray(numbers));
  expect(oid).toBe(701);
  expect(values.map((value) => value?.readDoubleBE())).toEqual(numbers);
});

test('bigintArray writes whole numbers on both sides of zero and of 2^32', () => {
  const numbers = [0, -1, 1, 2 ** 32, 2 ** 32 - 1, -(2 ** 32), -(2 ** 32) - 1, 2 ** 53 - 1];
  const { oid, values } = elements(bigintArray(numbers));
  expect(oid).toBe(20);
  expect(values.map((value) => value?.readBigInt64BE())).toEqual(numbers.map(BigInt));
});

test('instantArray counts from 2000, as PostgreSQL does', () => {
  const instants = ['2000-01-01T00:00:00Z', '1999-12-31T23:59:59.999Z', '2026-11-28T00:00:00Z'];
  const { oid, values } = elements(instantArray(instants.map((text) => Date.parse(text) * 1_000)));
  expect(oid).toBe(1184);
  expect(values.map((value) => value?.readBigInt64BE())).toEqual([
    0n,
    -1_000n,
    BigInt(Date.parse('2026-11-28T00:00:00Z') - Date.UTC(2000)) * 1_000n,
  ]);
});
