import { type Kind, physical } from './kinds.ts';
import { Values } from './values.ts';

/** A longer text says little more about where it lies, and would stand in the footer twice. */
const longestBound = 64;
/** So much of a text tells it from any that is no longer than a bound, and whether it is longer itself. */
const mostCompared = longestBound + 1;

/** No value is less than `min` or greater than `max`; exact: there is one that is the same. */
export interface Bounded {
  min: Buffer;
  max: Buffer;
  minExact: boolean;
  maxExact: boolean;
}

/**
 * The least and the greatest value of a column chunk, for readers that skip what they do not look for.
 * Those of each page are kept as if they were a page themselves, and looked through again at the end.
 */
export class Bounds {
  readonly #kind: Kind;
  readonly #ofPages = new Values();
  /** Of booleans, which are single bits: whether there is a value of false, of true. */
  readonly #seen = { false: false, true: false };
  /** Some value is NaN. */
  #unknown = false;

  constructor(kind: Kind) {
    this.#kind = kind;
  }

  add(page: Values): void {
    if (this.#unknown) return;
    if (this.#kind.physical === physical.boolean) return this.#addBits(page);
    const ends = endsOf(this.#kind, page);
    if (ends === 'unknown') this.#unknown = true;
    else if (ends) for (const at of [ends.min, ends.max]) this.#keep(page.view, at);
  }

  /** Null: there are none, or they are not known. */
  taken(): Bounded | null {
    if (this.#kind.physical === physical.boolean) return this.#ofBits();
    const all = this.#ofPages;
    const ends = this.#unknown ? null : endsOf(this.#kind, all);
    if (ends === null || ends === 'unknown') return null;
    const min = valueAt(this.#kind, all, ends.min);
    const max = valueAt(this.#kind, all, ends.max);
    if (this.#kind.physical === physical.byteArray) return shortened(this.#kind, min, max);
    return { ...isZero(this.#kind, min, max), minExact: true, maxExact: true };
  }

  #keep(view: DataView, at: number): void {
    if (this.#kind.physical !== physical.byteArray)
      this.#ofPages.copy(view, at, sizeAt(this.#kind, view, at));
    else this.#ofPages.byteArray(view, at + 4, Math.min(view.getUint32(at, true), mostCompared));
  }

  #addBits({ view, bits }: Values): void {
    for (let at = 0; at < bits; at++) {
      if ((view.getUint8(at >> 3) >> (at & 7)) & 1) this.#seen.true = true;
      else this.#seen.false = true;
      if (this.#seen.true && this.#seen.false) return;
    }
  }

  #ofBits(): Bounded | null {
    const { false: no, true: yes } = this.#seen;
    if (!no && !yes) return null;
    const [min, max] = [Buffer.alloc(1, no ? 0 : 1), Buffer.alloc(1, yes ? 1 : 0)];
    return { min, max, minExact: true, maxExact: true };
  }
}

/**
 * Texts that are not longer than a bound may be: of one that is longer its beginning, which is less, and for the
 * greatest the next one behind all with that beginning. Null: there is no next one.
 * https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift (`is_max_value_exact`)
 */
function shortened({ logical }: Kind, min: Buffer, max: Buffer): Bounded | null {
  const isText = logical !== undefined;
  const [minExact, maxExact] = [min, max].map(({ length }) => length <= longestBound);
  const greatest = maxExact === true ? max : successorOf(cut(max, isText), isText);
  if (greatest === null) return null;
  return {
    min: minExact === true ? min : cut(min, isText),
    max: greatest,
    minExact: minExact === true,
    maxExact: maxExact === true,
  };
}

const isContinuation = (byte = 0): boolean => (byte & 0xc0) === 0x80;

/** A text ends with a whole character. */
function cut(value: Buffer, isText: boolean): Buffer {
  let end = longestBound;
  if (isText) while (end > 0 && isContinuation(value[end])) end--;
  return alone(value.subarray(0, end));
}

/** A value that is greater than any which begins like this one; null if there is none. */
function successorOf(value: Buffer, isText: boolean): Buffer | null {
  for (let end = value.length; end > 0; end--) {
    if (!isText) {
      const last = value[end - 1] ?? 0;
      if (last < 0xff) return Buffer.concat([value.subarray(0, end - 1), Buffer.of(last + 1)]);
      continue;
    }
    if (isContinuation(value[end - 1])) continue;
    // The order of UTF-8 is that of the code points; surrogates are none, and behind the last there is nothing.
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

/** Kept until the end: out of Node's pool it would keep a whole slab of that. */
function alone(value: Buffer): Buffer {
  const copy = Buffer.alloc(value.length);
  copy.set(value);
  return copy;
}

interface Ends {
  min: number;
  max: number;
}

function endsOf(kind: Kind, { view, length }: Values): Ends | 'unknown' | null {
  const compare = comparison(kind);
  let ends: Ends | null = null;
  for (let at = 0, size = 0; at < length; at += size) {
    size = sizeAt(kind, view, at);
    // Readers disagree where NaN stands: bounds without it make some skip rows that have it.
    if (isNotANumber(kind, view, at)) return 'unknown';
    if (ends === null) ends = { min: at, max: at };
    else if (compare(view, at, ends.min) < 0) ends.min = at;
    else if (compare(view, at, ends.max) > 0) ends.max = at;
  }
  return ends;
}

function sizeAt({ physical: type, width }: Kind, view: DataView, at: number): number {
  if (type === physical.byteArray) return 4 + view.getUint32(at, true);
  if (type === physical.fixed) return width ?? 0;
  return type === physical.int32 || type === physical.float ? 4 : 8;
}

function valueAt(kind: Kind, { bytes, view }: Values, at: number): Buffer {
  const skip = kind.physical === physical.byteArray ? 4 : 0;
  return alone(bytes.subarray(at + skip, at + sizeAt(kind, view, at)));
}

function isNotANumber({ physical: type }: Kind, view: DataView, at: number): boolean {
  if (type === physical.float) return Number.isNaN(view.getFloat32(at, true));
  return type === physical.double && Number.isNaN(view.getFloat64(at, true));
}

/** Zero has two signs that are equal: as the least it is -0, as the greatest +0, as the format wants. */
function isZero({ physical: type }: Kind, min: Buffer, max: Buffer): { min: Buffer; max: Buffer } {
  if (type !== physical.float && type !== physical.double) return { min, max };
  const last = min.length - 1;
  const zero = (bytes: Buffer) => bytes.every((byte, n) => (n === last ? byte & 0x7f : byte) === 0);
  if (zero(min)) min[last] = 0x80;
  if (zero(max)) max[last] = 0;
  return { min, max };
}

type Compare = (view: DataView, a: number, b: number) => number;

function comparison(kind: Kind): Compare {
  switch (kind.physical) {
    case physical.int32:
      return (view, a, b) => view.getInt32(a, true) - view.getInt32(b, true);
    case physical.int64:
      return (view, a, b) =>
        view.getInt32(a + 4, true) - view.getInt32(b + 4, true) ||
        view.getUint32(a, true) - view.getUint32(b, true);
    case physical.float:
      return (view, a, b) => compareNumbers(view.getFloat32(a, true), view.getFloat32(b, true));
    case physical.double:
      return (view, a, b) => compareNumbers(view.getFloat64(a, true), view.getFloat64(b, true));
    case physical.fixed:
      return kind.signed === true
        ? compareSigned
        : (view, a, b) => compareBytes(view, a, 16, b, 16);
    default:
      return (view, a, b) =>
        compareBytes(view, a + 4, comparedAt(view, a), b + 4, comparedAt(view, b));
  }
}

const comparedAt = (view: DataView, at: number): number =>
  Math.min(view.getUint32(at, true), mostCompared);

/** Not by subtraction: that of two infinities is none. */
const compareNumbers = (a: number, b: number): number => Number(a > b) - Number(a < b);

/** Big-endian numbers of 16 bytes. */
const compareSigned: Compare = (view, a, b) =>
  view.getInt8(a) - view.getInt8(b) || compareBytes(view, a, 16, b, 16);

function compareBytes(view: DataView, a: number, lengthA: number, b: number, lengthB: number) {
  const common = Math.min(lengthA, lengthB);
  for (let n = 0; n < common; n++) {
    const difference = view.getUint8(a + n) - view.getUint8(b + n);
    if (difference !== 0) return difference;
  }
  return lengthA - lengthB;
}
