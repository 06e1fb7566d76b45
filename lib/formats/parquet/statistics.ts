import { type Kind, physical } from './kinds.ts';
import { Values } from './values.ts';

/** A longer text says little more about where it lies, and would stand in the footer twice. */
const longestBound = 64;

/**
 * The least and the greatest value of a column chunk, for readers that skip what they do not look for.
 * Those of each page are kept as if they were a page themselves, and looked through again at the end.
 */
export class Bounds {
  readonly #kind: Kind;
  readonly #ofPages = new Values();
  /** Some value was too long to be one, or is NaN. */
  #unknown = false;

  constructor(kind: Kind) {
    this.#kind = kind;
    this.#unknown = kind.physical === physical.boolean;
  }

  add(page: Values): void {
    if (this.#unknown) return;
    const ends = endsOf(this.#kind, page);
    if (ends === 'unknown') this.#unknown = true;
    else if (ends)
      for (const at of [ends.min, ends.max])
        this.#ofPages.copy(page.view, at, sizeAt(this.#kind, page.view, at));
  }

  /** Null: there are none, or they are not known. */
  taken(): { min: Buffer; max: Buffer } | null {
    const all = this.#ofPages;
    const ends = this.#unknown ? null : endsOf(this.#kind, all);
    if (ends === null || ends === 'unknown') return null;
    const min = valueAt(this.#kind, all, ends.min);
    const max = valueAt(this.#kind, all, ends.max);
    return isZero(this.#kind, min, max);
  }
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
    if (kind.physical === physical.byteArray && size > longestBound + 4) return 'unknown';
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
  const value = bytes.subarray(at + skip, at + sizeAt(kind, view, at));
  // Kept until the end: out of Node's pool it would keep a whole slab of that.
  const alone = Buffer.alloc(value.length);
  alone.set(value);
  return alone;
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
        compareBytes(view, a + 4, view.getUint32(a, true), b + 4, view.getUint32(b, true));
  }
}

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
