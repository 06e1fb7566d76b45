import { endsOf, sizeAt } from './min-max.ts';
import { PlainBuffer, type PlainValues } from './plain-buffer.ts';
import { type ParquetType, physicalType } from './types.ts';

/** Longer bounds would hardly let readers skip more, and the footer would contain two of them per column chunk. */
const maxBoundBytes = 64;
/** Bytes that distinguish a text from any text no longer than a bound, and show whether it is longer itself. */
const maxComparedBytes = maxBoundBytes + 1;
/** No value is less than `min` or greater than `max`. Exact: the column chunk contains that value. */
export interface MinMax {
  min: Buffer;
  max: Buffer;
  minExact: boolean;
  maxExact: boolean;
}

/**
 * Minimum and maximum of a column chunk, by which readers skip data. The minimum and maximum of each page are kept
 * as if they were values of one more page, which is searched at the end.
 */
export class MinMaxStatistics {
  readonly #parquetType: ParquetType;
  readonly #ofPages = new PlainBuffer();
  /** For booleans, which are single bits: whether the column chunk has a false value, a true value. */
  readonly #seen = { false: false, true: false };
  /** Whether any value is NaN. */
  #unknown = false;

  constructor(parquetType: ParquetType) {
    this.#parquetType = parquetType;
    this.#unknown = parquetType.isOrdered === false;
  }

  /** Adds the values of a page. */
  add(page: PlainValues): void {
    if (this.#unknown) return;
    if (this.#parquetType.physicalType === physicalType.boolean) return this.#addBits(page);
    const ends = endsOf(this.#parquetType, page, maxComparedBytes);
    if (ends === 'unknown') this.#unknown = true;
    else if (ends) for (const at of [ends.min, ends.max]) this.#keep(page.view, at);
  }

  /** Adds the values of `other`, statistics of the same column. */
  merge(other: MinMaxStatistics): void {
    this.#unknown ||= other.#unknown;
    this.#seen.false ||= other.#seen.false;
    this.#seen.true ||= other.#seen.true;
    const { view, length } = other.#ofPages;
    if (length > 0) this.#ofPages.copy(view, 0, length);
  }

  /** Returns null if there are no values, if one is NaN, if values of the type have no order that readers use, or if no short value is greater than all of them. */
  finish(): MinMax | null {
    if (this.#parquetType.physicalType === physicalType.boolean) return this.#ofBits();
    const all = this.#ofPages;
    const ends = this.#unknown ? null : endsOf(this.#parquetType, all, maxComparedBytes);
    if (ends === null || ends === 'unknown') return null;
    const min = valueAt(this.#parquetType, all, ends.min);
    const max = valueAt(this.#parquetType, all, ends.max);
    if (this.#parquetType.physicalType === physicalType.byteArray)
      return shorten(this.#parquetType, min, max);
    return { ...normalizeZeros(this.#parquetType, min, max), minExact: true, maxExact: true };
  }

  #keep(view: DataView, at: number): void {
    if (this.#parquetType.physicalType !== physicalType.byteArray)
      this.#ofPages.copy(view, at, sizeAt(this.#parquetType, view, at));
    else
      this.#ofPages.byteArray(view, at + 4, Math.min(view.getUint32(at, true), maxComparedBytes));
  }

  #addBits({ view, bits }: PlainValues): void {
    for (let at = 0; at < bits; at++) {
      if ((view.getUint8(at >> 3) >> (at & 7)) & 1) this.#seen.true = true;
      else this.#seen.false = true;
      if (this.#seen.true && this.#seen.false) return;
    }
  }

  #ofBits(): MinMax | null {
    const { false: no, true: yes } = this.#seen;
    if (!no && !yes) return null;
    const [min, max] = [Buffer.alloc(1, no ? 0 : 1), Buffer.alloc(1, yes ? 1 : 0)];
    return { min, max, minExact: true, maxExact: true };
  }
}

/**
 * Shortens texts to `maxBoundBytes`: the minimum to its first bytes, which are less than it, and the maximum to the
 * next value after all values with these first bytes. Returns null if there is no next value.
 * https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift (`is_max_value_exact`)
 */
function shorten({ logical }: ParquetType, min: Buffer, max: Buffer): MinMax | null {
  const isText = logical !== undefined;
  const [minExact, maxExact] = [min, max].map(({ length }) => length <= maxBoundBytes);
  const upperBound = maxExact === true ? max : successorOf(cut(max, isText), isText);
  if (upperBound === null) return null;
  return {
    min: minExact === true ? min : cut(min, isText),
    max: upperBound,
    minExact: minExact === true,
    maxExact: maxExact === true,
  };
}

const isContinuation = (byte = 0): boolean => (byte & 0xc0) === 0x80;

/** Returns the first bytes of a value; a text is cut at the end of a character. */
function cut(value: Buffer, isText: boolean): Buffer {
  let end = maxBoundBytes;
  if (isText) while (end > 0 && isContinuation(value[end])) end--;
  return copyOf(value.subarray(0, end));
}

/** Returns a value that is greater than every value with this prefix; null if no value is. */
function successorOf(value: Buffer, isText: boolean): Buffer | null {
  for (let end = value.length; end > 0; end--) {
    if (!isText) {
      const last = value[end - 1] ?? 0;
      if (last < 0xff) return Buffer.concat([value.subarray(0, end - 1), Buffer.of(last + 1)]);
      continue;
    }
    if (isContinuation(value[end - 1])) continue;
    // UTF-8 sorts by code points. Surrogates are not encoded, and no code point follows the last one.
    const last =
      value
        .subarray(end - 1)
        .toString()
        .codePointAt(0) ?? 0;
    if (last === 0x10_ffff) continue;
    const next = String.fromCodePoint(last === 0xd7ff ? 0xe000 : last + 1);
    return Buffer.concat([value.subarray(0, end - 1), Buffer.from(next)]);
  }
  return null;
}

/** Returns a copy outside of Node's buffer pool: it is kept until the end, and would keep a whole slab of the pool. */
function copyOf(value: Buffer): Buffer {
  const copy = Buffer.alloc(value.length);
  copy.set(value);
  return copy;
}

function valueAt(parquetType: ParquetType, { bytes, view }: PlainValues, at: number): Buffer {
  const skip = parquetType.physicalType === physicalType.byteArray ? 4 : 0;
  return copyOf(bytes.subarray(at + skip, at + sizeAt(parquetType, view, at)));
}

/** Returns the bounds with -0 for a minimum of zero and +0 for a maximum of zero, as the format requires. */
function normalizeZeros(
  { physicalType: type }: ParquetType,
  min: Buffer,
  max: Buffer,
): { min: Buffer; max: Buffer } {
  if (type !== physicalType.float && type !== physicalType.double) return { min, max };
  const last = min.length - 1;
  const zero = (bytes: Buffer) => bytes.every((byte, n) => (n === last ? byte & 0x7f : byte) === 0);
  if (zero(min)) min[last] = 0x80;
  if (zero(max)) max[last] = 0;
  return { min, max };
}
