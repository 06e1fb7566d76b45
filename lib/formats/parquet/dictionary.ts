import {
  type DistinctValues,
  type PhysicalType,
  PlainBuffer,
  type PlainValues,
} from './plain-buffer.ts';
import { encodeRleHybrid } from './rle.ts';
import { type ParquetType, physicalType } from './types.ts';

/** A larger dictionary would hardly save anything, and readers keep it in memory while they read a column chunk. */
const maxEntries = 2 ** 15;
const maxBytes = 512 * 1_024;
/** Values that are looked at before a page is encoded: if more than half of them differ, a dictionary is not tried. */
const sampleValues = 1_024;
/** Places that are searched for a value; more would let values with equal hashes slow an export down. */
const maxProbes = 256;

/** The distinct values of a column chunk. Data pages have their indices. */
export class Dictionary {
  /** The values in PLAIN encoding. */
  readonly values = new PlainBuffer();
  entries = 0;
  readonly #type: ParquetType;
  readonly #sizeOf: (view: DataView, at: number) => number;
  /** Hash table of indices plus one; 0 is a free place. Its size is a power of 2. */
  #table = new Uint16Array(256);
  #starts = new Uint32Array(128);
  #hashes = new Int32Array(128);

  constructor(type: ParquetType) {
    this.#type = type;
    this.#sizeOf = sizeFunction(type);
  }

  /**
   * Returns the index of each value of a page, and adds those that are new. Returns null, and adds none, if the
   * dictionary would become too large, or more than half of the first values of the first page differ.
   */
  indicesOf(page: PlainValues, count: number): Uint16Array | null {
    const before = this.entries;
    const sample = before === 0 ? sampleValues : 0;
    const indices = page.kernel
      ? this.#addDistinct(page, page.kernel.distinct(this.#type, { count, sample }))
      : this.#addAll(page, count, sample);
    if (indices === null) this.truncate(before);
    return indices;
  }

  /** Removes the values that were added after the first `entries`. */
  truncate(entries: number): void {
    if (entries === this.entries) return;
    if (entries === 0) this.values.clear();
    else this.values.length = this.#starts[entries] ?? 0;
    this.entries = entries;
    this.#fill(this.#table.fill(0));
  }

  #addDistinct({ view }: PlainValues, found: DistinctValues | null): Uint16Array | null {
    if (found === null) return null;
    const { starts, indices } = found;
    const numbers = new Uint16Array(starts.length);
    for (const [n, at] of starts.entries()) {
      const index = this.#indexOf(view, at, this.#sizeOf(view, at));
      if (index < 0) return null;
      numbers[n] = index;
    }
    for (const [n, index] of indices.entries()) indices[n] = numbers[index] ?? 0;
    return indices;
  }

  #addAll({ view, length }: PlainValues, count: number, sample: number): Uint16Array | null {
    const indices = new Uint16Array(count);
    let n = 0;
    for (let at = 0; at < length; ) {
      const size = this.#sizeOf(view, at);
      const index = this.#indexOf(view, at, size);
      if (index < 0) return null;
      indices[n++] = index;
      if (n === sample && this.entries > sample / 2) return null;
      at += size;
    }
    return indices;
  }

  /** Returns -1 if there is no room for a new value. */
  #indexOf(view: DataView, at: number, size: number): number {
    const hash = hashOf(view, at, size);
    const mask = this.#table.length - 1;
    for (
      let probe = 0, place = hash & mask;
      probe < maxProbes;
      probe++, place = (place + 1) & mask
    ) {
      const found = this.#table[place] ?? 0;
      if (found === 0) return this.#add(view, { at, size, hash, place });
      const index = found - 1;
      if (this.#hashes[index] === hash && this.#equals(index, view, at, size)) return index;
    }
    return -1;
  }

  #add(
    view: DataView,
    { at, size, hash, place }: { at: number; size: number; hash: number; place: number },
  ): number {
    if (this.entries === maxEntries || this.values.length + size > maxBytes) return -1;
    const index = this.entries++;
    if (index === this.#starts.length) this.#grow();
    this.#starts[index] = this.values.length;
    this.#hashes[index] = hash;
    this.values.copy(view, at, size);
    if (2 * this.entries > this.#table.length) this.#fill(new Uint16Array(2 * this.#table.length));
    else this.#table[place] = index + 1;
    return index;
  }

  #equals(index: number, view: DataView, at: number, size: number): boolean {
    const start = this.#starts[index] ?? 0;
    const { view: own, length } = this.values;
    if (start + size > length) return false;
    let n = 0;
    // A text begins with its length, so values of other lengths differ there.
    for (; n + 4 <= size; n += 4)
      if (own.getInt32(start + n) !== view.getInt32(at + n)) return false;
    for (; n < size; n++) if (own.getUint8(start + n) !== view.getUint8(at + n)) return false;
    return true;
  }

  #grow(): void {
    const [starts, hashes] = [this.#starts, this.#hashes];
    this.#starts = new Uint32Array(2 * starts.length);
    this.#starts.set(starts);
    this.#hashes = new Int32Array(2 * hashes.length);
    this.#hashes.set(hashes);
  }

  /** Makes this the hash table, which is empty. */
  #fill(table: Uint16Array<ArrayBuffer>): void {
    this.#table = table;
    const mask = table.length - 1;
    for (let index = 0; index < this.entries; index++) {
      let place = (this.#hashes[index] ?? 0) & mask;
      while (table[place] !== 0) place = (place + 1) & mask;
      table[place] = index + 1;
    }
  }
}

/**
 * Returns the body of a data page without its levels: the number of bits of an index, then the indices. It is valid
 * until levels or indices are encoded again.
 */
export function encodeIndices(indices: Uint16Array, entries: number): Buffer {
  const bits = Math.max(1, 32 - Math.clz32(entries - 1));
  const encoded = encodeRleHybrid(indices, bits, 1);
  encoded[0] = bits;
  return encoded;
}

function sizeFunction(type: ParquetType): (view: DataView, at: number) => number {
  const width = widthOf(type);
  return width === null ? (view, at) => 4 + view.getUint32(at, true) : () => width;
}

/** Returns the bytes of each value, null if they begin with their length. */
export function widthOf({ physicalType: type, width = 0 }: PhysicalType): number | null {
  if (type === physicalType.byteArray) return null;
  if (type === physicalType.fixed) return width;
  return type === physicalType.int32 || type === physicalType.float ? 4 : 8;
}

function hashOf(view: DataView, at: number, size: number): number {
  let hash = size;
  let n = 0;
  for (; n + 4 <= size; n += 4) hash = mix(hash ^ view.getInt32(at + n));
  for (; n < size; n++) hash = mix(hash ^ view.getUint8(at + n));
  return hash ^ (hash >>> 15);
}

function mix(value: number): number {
  const product = Math.imul(value, 0x9e37_79b1);
  return product ^ (product >>> 16);
}
