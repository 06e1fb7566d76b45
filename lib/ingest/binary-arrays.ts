/**
 * Arrays as PostgreSQL reads them in binary form: neither side formats or parses text, which is most of the cost of
 * storing a reading. node-postgres sends a Buffer as a binary parameter.
 * https://github.com/postgres/postgres/blob/REL_18_0/src/backend/utils/adt/arrayfuncs.c (array_recv)
 */
import pg from 'pg';

const oids = pg.types.builtins;
const headBytes = 20;
const lengthBytes = 4;

function arrayOf(oid: number, count: number, bytes: number, hasNull = false): Buffer {
  const buffer = Buffer.allocUnsafe(headBytes + bytes);
  buffer.writeInt32BE(1, 0); // dimensions
  buffer.writeInt32BE(hasNull ? 1 : 0, 4);
  buffer.writeInt32BE(oid, 8);
  buffer.writeInt32BE(count, 12);
  buffer.writeInt32BE(1, 16); // the index of the first element
  return buffer;
}

/** Returns text[]. */
export function textArray(texts: readonly (string | null)[]): Buffer {
  let bytes = 0;
  for (const text of texts) bytes += lengthBytes + (text === null ? 0 : Buffer.byteLength(text));
  const buffer = arrayOf(oids.TEXT, texts.length, bytes, texts.includes(null));
  let position = headBytes;
  for (const text of texts) {
    const length = text === null ? -1 : buffer.write(text, position + lengthBytes);
    position = buffer.writeInt32BE(length, position) + Math.max(0, length);
  }
  return buffer;
}

/** Returns float8[]. */
export function doubleArray(numbers: readonly number[]): Buffer {
  const buffer = arrayOf(oids.FLOAT8, numbers.length, numbers.length * 12);
  let position = headBytes;
  for (const number of numbers) {
    position = buffer.writeInt32BE(8, position);
    position = buffer.writeDoubleBE(number, position);
  }
  return buffer;
}

/** Returns int8[] of whole numbers below 2^53. */
export const bigintArray = (numbers: readonly number[]): Buffer => int8Array(oids.INT8, numbers);

const microsTo2000 = 946_684_800_000_000;

/** Returns timestamptz[] of microseconds since 1970. */
export const instantArray = (micros: readonly number[]): Buffer =>
  int8Array(oids.TIMESTAMPTZ, micros, microsTo2000);

function int8Array(oid: number, numbers: readonly number[], origin = 0): Buffer {
  const buffer = arrayOf(oid, numbers.length, numbers.length * 12);
  let position = headBytes;
  for (const number of numbers) {
    // Faster than BigInt.
    const value = number - origin;
    const high = Math.floor(value / 0x1_0000_0000);
    position = buffer.writeInt32BE(8, position);
    position = buffer.writeInt32BE(high, position);
    position = buffer.writeUInt32BE(value - high * 0x1_0000_0000, position);
  }
  return buffer;
}
