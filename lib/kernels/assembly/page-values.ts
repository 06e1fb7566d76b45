/**
 * What is done with the values of a Parquet page once it is full: their minimum and maximum, as `endsOf`
 * (lib/formats/parquet/min-max.ts) finds them, and their differences, as `encodeDelta` (lib/formats/parquet/delta.ts)
 * writes them. Values are in PLAIN encoding, at least one. What is distinct among them is in distinct-values.ts.
 */
const BLOCK: usize = 128;
const MINIBLOCKS: usize = 4;
const MINIBLOCK: usize = BLOCK / MINIBLOCKS;
/** The largest differences that are encoded: `largestDelta` of lib/formats/parquet/delta.ts. */
const LARGEST_DELTA_32: i64 = 1 << 30;
const LARGEST_DELTA_64: i64 = 1 << 51;

/** Offsets of the last minimum and maximum. */
let minAt: usize = 0;
let maxAt: usize = 0;

export function minimumAt(): usize {
  return minAt;
}

export function maximumAt(): usize {
  return maxAt;
}

export function findEndsOfInt32(start: usize, length: usize): bool {
  let min = load<i32>(start);
  let max = min;
  minAt = 0;
  maxAt = 0;
  for (let at: usize = 4; at < length; at += 4) {
    const value = load<i32>(start + at);
    if (value < min) {
      min = value;
      minAt = at;
    } else if (value > max) {
      max = value;
      maxAt = at;
    }
  }
  return true;
}

export function findEndsOfInt64(start: usize, length: usize): bool {
  let min = load<i64>(start);
  let max = min;
  minAt = 0;
  maxAt = 0;
  for (let at: usize = 8; at < length; at += 8) {
    const value = load<i64>(start + at);
    if (value < min) {
      min = value;
      minAt = at;
    } else if (value > max) {
      max = value;
      maxAt = at;
    }
  }
  return true;
}

/** Returns false if a value is NaN. */
export function findEndsOfDoubles(start: usize, length: usize): bool {
  let min = load<f64>(start);
  let max = min;
  minAt = 0;
  maxAt = 0;
  for (let at: usize = 0; at < length; at += 8) {
    const value = load<f64>(start + at);
    if (value != value) return false;
    if (value < min) {
      min = value;
      minAt = at;
    } else if (value > max) {
      max = value;
      maxAt = at;
    }
  }
  return true;
}

/**
 * Of texts, by at most `compared` bytes. The first 8 bytes are compared as one number, and all only if those are equal.
 */
export function findEndsOfBytes(start: usize, length: usize, compared: usize): bool {
  let min = keyAt(start);
  let max = min;
  minAt = 0;
  maxAt = 0;
  for (let at: usize = 0; at < length; ) {
    const key = keyAt(start + at);
    if (key < min || (key == min && compare(start + at, start + minAt, compared) < 0)) {
      min = key;
      minAt = at;
    } else if (key > max || (key == max && compare(start + at, start + maxAt, compared) > 0)) {
      max = key;
      maxAt = at;
    }
    at += 4 + load<u32>(start + at);
  }
  return true;
}

/** Returns the first 8 bytes of a text, the first one highest, with zeros in place of those that it lacks. */
function keyAt(text: usize): u64 {
  const length = load<u32>(text);
  if (length == 0) return 0;
  const bytes = bswap<u64>(load<u64>(text, 4));
  return length >= 8 ? bytes : (bytes >> (64 - 8 * <u64>length)) << (64 - 8 * <u64>length);
}

function compare(a: usize, b: usize, compared: usize): i32 {
  const lengthA = min<usize>(load<u32>(a), compared);
  const lengthB = min<usize>(load<u32>(b), compared);
  const common = min(lengthA, lengthB);
  for (let n: usize = 0; n < common; n++) {
    const difference = <i32>load<u8>(a + 4 + n) - <i32>load<u8>(b + 4 + n);
    if (difference != 0) return difference;
  }
  return <i32>lengthA - <i32>lengthB;
}

/** The differences of a block, each as 8 bytes. */
const deltas = memory.data(1024);

/**
 * Writes the values as DELTA_BINARY_PACKED and returns the number of bytes, 0 if that is `limit` or more, or a difference
 * is too large. After `limit` there is room for a block.
 */
export function encodeDelta(start: usize, length: usize, width: usize, to: usize, limit: usize): usize {
  const count = length / width;
  if (count < 2) return 0;
  let out = writeVarint(to, BLOCK);
  out = writeVarint(out, MINIBLOCKS);
  out = writeVarint(out, count);
  let last = read(start, width);
  out = writeVarint(out, zigzag(last));
  const largest = width == 4 ? LARGEST_DELTA_32 : LARGEST_DELTA_64;
  let at = start + width;
  const end = start + length;
  while (at < end) {
    let min = i64.MAX_VALUE;
    let used: usize = 0;
    while (used < BLOCK && at < end) {
      const value = read(at, width);
      const delta = value - last;
      // An overflow: the signs differ, and the difference has not that of the value.
      if (((last ^ value) & (value ^ delta)) < 0) return 0;
      if (delta > largest || delta < -largest) return 0;
      if (delta < min) min = delta;
      store<i64>(deltas + 8 * used, delta);
      last = value;
      used++;
      at += width;
    }
    out = writeBlock(out, used, min);
    if (out - to >= limit) return 0;
  }
  return out - to;
}

// @ts-ignore: decorator
@inline function read(at: usize, width: usize): i64 {
  return width == 4 ? <i64>load<i32>(at) : load<i64>(at);
}

// @ts-ignore: decorator
@inline function zigzag(value: i64): u64 {
  return <u64>((value << 1) ^ (value >> 63));
}

function writeVarint(at: usize, value: u64): usize {
  let rest = value;
  let out = at;
  while (rest > 127) {
    store<u8>(out++, <u8>((rest & 127) | 128));
    rest >>= 7;
  }
  store<u8>(out++, <u8>rest);
  return out;
}

/** Writes a block: its minimum, the bits of each miniblock, and the values; miniblocks without values have no bytes. */
function writeBlock(at: usize, used: usize, min: i64): usize {
  const widths = writeVarint(at, zigzag(min));
  let out = widths + MINIBLOCKS;
  store<u32>(widths, 0);
  for (let n = used; n < BLOCK; n++) store<i64>(deltas + 8 * n, min);
  for (let n: usize = 0; n * MINIBLOCK < used; n++) {
    const from = deltas + 8 * n * MINIBLOCK;
    let all: u64 = 0;
    for (let value: usize = 0; value < MINIBLOCK; value++)
      all |= <u64>(load<i64>(from + 8 * value) - min);
    const bits = <usize>(64 - clz(all));
    store<u8>(widths + n, <u8>bits);
    out = pack(out, from, min, bits);
  }
  return out;
}

/** Packs the values of a miniblock from the lowest bit on. Fewer than 8 bits are pending before each. */
function pack(at: usize, from: usize, min: i64, bits: usize): usize {
  let out = at;
  let pending: u64 = 0;
  let count: usize = 0;
  for (let value: usize = 0; value < MINIBLOCK; value++) {
    pending |= <u64>(load<i64>(from + 8 * value) - min) << <u64>count;
    count += bits;
    store<u64>(out, pending);
    const bytes = count >> 3;
    out += bytes;
    pending >>= <u64>(8 * bytes);
    count &= 7;
  }
  return out;
}
