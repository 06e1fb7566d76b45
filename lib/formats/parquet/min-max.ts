import type { Ends, PlainValues } from './plain-buffer.ts';
import { type ParquetType, physicalType } from './types.ts';

/**
 * Returns where the minimum and the maximum of the values of a page are, null for a page without values, `unknown` if one is NaN:
 * readers order it differently, and bounds that ignore it make some readers skip rows that have it.
 *
 * One loop for each type: this runs for each value, and a comparison that is passed in would be called for each.
 *
 * @param maxComparedBytes of a text
 */
export function endsOf(
  parquetType: ParquetType,
  page: PlainValues,
  maxComparedBytes: number,
): Ends | 'unknown' | null {
  if (page.length === 0) return null;
  const known = page.kernel?.endsOf(parquetType, maxComparedBytes);
  if (known !== undefined) return known;
  switch (parquetType.physicalType) {
    case physicalType.int32:
      return endsOfInt32(page);
    case physicalType.int64:
      return endsOfInt64(page);
    case physicalType.float:
      return endsOfFloats(page);
    case physicalType.double:
      return endsOfDoubles(page);
    case physicalType.fixed:
      return endsOfFixed(page, parquetType.signed === true);
    default:
      return endsOfBytes(page, maxComparedBytes);
  }
}

/** Returns the bytes of the value at an offset, with those of its length. */
export function sizeAt(
  { physicalType: type, width }: ParquetType,
  view: DataView,
  at: number,
): number {
  if (type === physicalType.byteArray) return 4 + view.getUint32(at, true);
  if (type === physicalType.fixed) return width ?? 0;
  return type === physicalType.int32 || type === physicalType.float ? 4 : 8;
}

function endsOfInt32({ view, length }: PlainValues): Ends {
  const ends = { min: 0, max: 0 };
  let [min, max] = [view.getInt32(0, true), view.getInt32(0, true)];
  for (let at = 4; at < length; at += 4) {
    const value = view.getInt32(at, true);
    if (value < min) {
      min = value;
      ends.min = at;
    } else if (value > max) {
      max = value;
      ends.max = at;
    }
  }
  return ends;
}

/** Compares the upper halves, and the lower ones only if those are equal. */
function endsOfInt64({ view, length }: PlainValues): Ends {
  const ends = { min: 0, max: 0 };
  let [minHigh, minLow] = [view.getInt32(4, true), view.getUint32(0, true)];
  let [maxHigh, maxLow] = [minHigh, minLow];
  for (let at = 8; at < length; at += 8) {
    const high = view.getInt32(at + 4, true);
    const low = view.getUint32(at, true);
    if (high < minHigh || (high === minHigh && low < minLow)) {
      [minHigh, minLow] = [high, low];
      ends.min = at;
    } else if (high > maxHigh || (high === maxHigh && low > maxLow)) {
      [maxHigh, maxLow] = [high, low];
      ends.max = at;
    }
  }
  return ends;
}

function endsOfFloats({ view, length }: PlainValues): Ends | 'unknown' {
  const ends = { min: 0, max: 0 };
  let [min, max] = [view.getFloat32(0, true), view.getFloat32(0, true)];
  for (let at = 0; at < length; at += 4) {
    const value = view.getFloat32(at, true);
    if (Number.isNaN(value)) return 'unknown';
    if (value < min) {
      min = value;
      ends.min = at;
    } else if (value > max) {
      max = value;
      ends.max = at;
    }
  }
  return ends;
}

function endsOfDoubles({ view, length }: PlainValues): Ends | 'unknown' {
  const ends = { min: 0, max: 0 };
  let [min, max] = [view.getFloat64(0, true), view.getFloat64(0, true)];
  for (let at = 0; at < length; at += 8) {
    const value = view.getFloat64(at, true);
    if (Number.isNaN(value)) return 'unknown';
    if (value < min) {
      min = value;
      ends.min = at;
    } else if (value > max) {
      max = value;
      ends.max = at;
    }
  }
  return ends;
}

/** Of values of 16 bytes, which are big-endian; if they are numbers, the first byte has their sign. */
function endsOfFixed({ view, length }: PlainValues, isSigned: boolean): Ends {
  const ends = { min: 0, max: 0 };
  const compare = (a: number, b: number): number =>
    (isSigned ? view.getInt8(a) - view.getInt8(b) : 0) || compareBytes(view, a, 16, b, 16);
  for (let at = 16; at < length; at += 16) {
    if (compare(at, ends.min) < 0) ends.min = at;
    else if (compare(at, ends.max) > 0) ends.max = at;
  }
  return ends;
}

/** Compares the first four bytes as one number, and all only if those are equal. */
function endsOfBytes({ view, length }: PlainValues, maxComparedBytes: number): Ends {
  const ends = { min: 0, max: 0 };
  let min = keyAt(view, 4, view.getUint32(0, true));
  let max = min;
  const compare = (at: number, size: number, end: number): number =>
    compareBytes(
      view,
      at + 4,
      Math.min(size, maxComparedBytes),
      end + 4,
      Math.min(view.getUint32(end, true), maxComparedBytes),
    );
  for (let at = 0; at < length; ) {
    const size = view.getUint32(at, true);
    const key = keyAt(view, at + 4, size);
    if (key < min || (key === min && compare(at, size, ends.min) < 0)) {
      min = key;
      ends.min = at;
    } else if (key > max || (key === max && compare(at, size, ends.max) > 0)) {
      max = key;
      ends.max = at;
    }
    at += 4 + size;
  }
  return ends;
}

/** Returns the first four bytes, with zeros in place of those that a shorter value lacks. */
function keyAt(view: DataView, at: number, size: number): number {
  if (size >= 4) return view.getUint32(at);
  let key = 0;
  for (let n = 0; n < size; n++) key |= view.getUint8(at + n) << (24 - 8 * n);
  return key >>> 0;
}

function compareBytes(view: DataView, a: number, lengthA: number, b: number, lengthB: number) {
  const common = Math.min(lengthA, lengthB);
  for (let n = 0; n < common; n++) {
    const difference = view.getUint8(a + n) - view.getUint8(b + n);
    if (difference !== 0) return difference;
  }
  return lengthA - lengthB;
}
