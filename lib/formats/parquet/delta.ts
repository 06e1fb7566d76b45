import { memoryBudget } from '../../runtime/memory-budget.ts';
import type { PlainValues } from './plain-buffer.ts';
import { writeVarint, zigzag } from './varint.ts';

const blockValues = 128;
const miniblocks = 4;
const miniblockValues = blockValues / miniblocks;

/** Room for the usual page. */
const maxScratchBytes = memoryBudget.pageBuffer.bytes;
/** Bytes of the head of a page, and of a block without its values. */
const headBytes = 24;
const blockHeadBytes = 10 + miniblocks;
/** Bytes that the output needs after its limit, for a block that exceeds it. */
export const deltaSlackBytes = headBytes + blockHeadBytes + blockValues * 8;

/**
 * The largest difference of two successive values that is encoded: the differences of two such differences fit into the
 * type without an overflow, which readers do not treat alike, and of 64 bits into a double.
 */
const largestDelta = { 4: 2 ** 30, 8: 2 ** 51 };

/** The bytes that were returned last: another page of the usual size is written over them. */
let scratch = Buffer.alloc(0);

function scratchOf(length: number): Buffer {
  if (length <= scratch.length) return scratch;
  const larger = Buffer.allocUnsafeSlow(length);
  if (length <= maxScratchBytes) scratch = larger;
  return larger;
}

/**
 * Returns the whole numbers of a page, of `width` bytes each, in Parquet's DELTA_BINARY_PACKED: the differences of
 * successive values, each block of them with as few bits as it needs. Returns null if that needs `limit` bytes or more.
 * The result is valid until the next call.
 * https://github.com/apache/parquet-format/blob/master/Encodings.md#delta-encoding-delta_binary_packed--5
 */
export function encodeDelta(values: PlainValues, width: 4 | 8, limit: number): Buffer | null {
  const { view, length } = values;
  const count = length / width;
  if (count < 2) return null;
  const out = scratchOf(limit + deltaSlackBytes);
  let end = writeVarint(out, 0, blockValues);
  end = writeVarint(out, end, miniblocks);
  end = writeVarint(out, end, count);
  end = writeFirst(
    out,
    end,
    width === 4 ? BigInt(view.getInt32(0, true)) : view.getBigInt64(0, true),
  );
  const deltas = new Float64Array(blockValues);
  const largest = largestDelta[width];
  for (let at = width; at < length; ) {
    let min = Number.POSITIVE_INFINITY;
    let used = 0;
    for (; used < blockValues && at < length; at += width) {
      const delta =
        width === 4
          ? view.getInt32(at, true) - view.getInt32(at - 4, true)
          : (view.getInt32(at + 4, true) - view.getInt32(at - 4, true)) * 2 ** 32 +
            (view.getUint32(at, true) - view.getUint32(at - 8, true));
      if (delta > largest || delta < -largest) return null;
      if (delta < min) min = delta;
      deltas[used++] = delta;
    }
    end = writeBlock(out, end, deltas, { used, min });
    if (end >= limit) return null;
  }
  return out.subarray(0, end);
}

/** Writes a first value, which may have 64 bits, as a zigzag varint. */
function writeFirst(out: Buffer, start: number, value: bigint): number {
  let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
  let end = start;
  for (; rest > 127n; rest >>= 7n) out[end++] = Number(rest & 127n) | 128;
  out[end++] = Number(rest);
  return end;
}

/** Writes a block: its minimum, and how much larger each of them is. Miniblocks without values have no bytes. */
function writeBlock(
  out: Buffer,
  start: number,
  deltas: Float64Array,
  { used, min }: { used: number; min: number },
): number {
  let end = writeVarint(out, start, zigzag(min));
  const widths = end;
  end += miniblocks;
  out.fill(0, widths, end);
  deltas.fill(min, used);
  for (let n = 0; n * miniblockValues < used; n++) {
    const from = n * miniblockValues;
    let max = 0;
    for (let at = from; at < from + miniblockValues; at++)
      max = Math.max(max, (deltas[at] ?? 0) - min);
    const bits = bitsOf(max);
    out[widths + n] = bits;
    end = pack(out, end, deltas, { from, min, bits });
  }
  return end;
}

const bitsOf = (value: number): number =>
  value >= 2 ** 32 ? 64 - Math.clz32(Math.floor(value / 2 ** 32)) : 32 - Math.clz32(value);

/** Packs the values of a miniblock from the lowest bit on. */
function pack(
  out: Buffer,
  start: number,
  deltas: Float64Array,
  { from, min, bits }: { from: number; min: number; bits: number },
): number {
  let end = start;
  let pending = 0;
  let count = 0;
  for (let at = from; at < from + miniblockValues; at++) {
    // By halves, because a shift has 32 bits: fewer than 8 are pending, so at most 24 more are added at a time.
    let value = (deltas[at] ?? 0) - min;
    for (let left = bits; left > 0; left -= 24) {
      const some = Math.min(left, 24);
      const low = value % 2 ** 24;
      pending |= low << count;
      value = (value - low) / 2 ** 24;
      for (count += some; count >= 8; count -= 8) {
        out[end++] = pending & 0xff;
        pending >>>= 8;
      }
    }
  }
  return end;
}
