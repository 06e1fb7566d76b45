import { writeVarint } from './varint.ts';

/** What the last call has written. A page has up to 256 K values, and a new buffer for each would be garbage at once. */
let output = Buffer.allocUnsafeSlow(4_096);

/**
 * Encodes levels, or indices of a dictionary, in Parquet's RLE/bit-packing hybrid: runs of at least 8 equal values, and
 * between them groups of 8 values of `bits` bits each, at most 16.
 * https://github.com/apache/parquet-format/blob/master/Encodings.md#RLE
 *
 * @param head bytes that are left free at the beginning
 * @returns the head and the values, valid until the next call
 */
export function encodeRleHybrid(
  values: Uint8Array | Uint16Array,
  bits: number,
  head: number,
): Buffer {
  // A group of 8 values needs at most its bits, or a run or the head of groups in front of it.
  const maxLength = head + Math.ceil((values.length / 8 + 2) * (bits + 8));
  if (output.length < maxLength) output = Buffer.allocUnsafeSlow(maxLength);
  const out = output;
  let end = head;
  let at = 0;
  while (at < values.length) {
    const next = at === 0 && isConstant(values) ? values.length : endOfRun(values, at);
    if (next - at >= 8) {
      end = writeVarint(out, end, (next - at) * 2);
      const value = values[at] ?? 0;
      out[end++] = value & 0xff;
      if (bits > 8) out[end++] = value >> 8;
      at = next;
    } else {
      const stop = startOfRun(values, at);
      end = writeVarint(out, end, Math.ceil((stop - at) / 8) * 2 + 1);
      end = pack(values, { from: at, to: stop, bits }, out, end);
      at = stop;
    }
  }
  return out.subarray(0, end);
}

/** Returns whether all values are equal, as the levels of a page without NULL are: then their bytes repeat. */
function isConstant(values: Uint8Array | Uint16Array): boolean {
  const { buffer, byteOffset, byteLength, BYTES_PER_ELEMENT: width } = values;
  const bytes = Buffer.from(buffer, byteOffset, byteLength);
  return bytes.subarray(width).equals(bytes.subarray(0, -width));
}

function endOfRun(values: Uint8Array | Uint16Array, from: number): number {
  const value = values[from];
  let at = from + 1;
  while (at < values.length && values[at] === value) at++;
  return at;
}

/** Returns where the next run starts, a multiple of 8 values after `from`, or the end. */
function startOfRun(values: Uint8Array | Uint16Array, from: number): number {
  let at = from + 8;
  while (at < values.length) {
    const value = values[at];
    let n = 1;
    while (n < 8 && values[at + n] === value) n++;
    if (n === 8) return at;
    at += 8;
  }
  return values.length;
}

/** Packs values from the lowest bit on; the last group is padded with zeros. */
function pack(
  values: Uint8Array | Uint16Array,
  { from, to, bits }: { from: number; to: number; bits: number },
  out: Buffer,
  start: number,
): number {
  const padded = from + Math.ceil((to - from) / 8) * 8;
  let end = start;
  let pending = 0;
  let count = 0;
  for (let at = from; at < padded; at++) {
    if (at < to) pending |= (values[at] ?? 0) << count;
    for (count += bits; count >= 8; count -= 8) {
      out[end++] = pending & 0xff;
      pending >>>= 8;
    }
  }
  return end;
}
