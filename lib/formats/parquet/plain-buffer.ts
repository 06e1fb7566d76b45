import { memoryLimits } from '../../runtime/memory-budget.ts';

const maxRetainedBytes = memoryLimits.columnBufferKept;

/** The values of a page in PLAIN encoding: the first `length` bytes. */
export interface PlainValues {
  readonly bytes: Buffer;
  readonly view: DataView;
  readonly length: number;
  /** Number of values in a page of booleans, which are single bits. */
  readonly bits: number;
  /** What a kernel does faster than `endsOf` and `encodeDelta`, with the same results, where the values are. */
  readonly kernel?: ValuesKernel;
}

/** Where the minimum and the maximum of a page are. */
export interface Ends {
  min: number;
  max: number;
}

/** Of a `ParquetType`, what says how long a value is. */
export interface PhysicalType {
  physicalType: number;
  width?: number;
}

/** Results are valid until the next call. */
export interface ValuesKernel {
  /** Undefined: the kernel does not know the type. */
  endsOf(type: PhysicalType, maxComparedBytes: number): Ends | 'unknown' | undefined;
  encodeDelta(width: 4 | 8, limit: number): Buffer | null;
  /** Of `count` values. Null: there are too many, or more than half of the first `sample` differ. */
  distinct(type: PhysicalType, options: { count: number; sample: number }): DistinctValues | null;
}

/** The distinct values of a page, in the order in which they first occur. */
export interface DistinctValues {
  /** Where they are in the page. */
  starts: Uint32Array;
  /** For each value of the page, which of them it is. */
  indices: Uint16Array;
}

/** A growing buffer with the values of a page in PLAIN encoding: little-endian, one after the other. */
export class PlainBuffer implements PlainValues {
  bytes: Buffer = Buffer.allocUnsafe(256);
  view = viewOf(this.bytes);
  length = 0;
  /** Number of values in a page of booleans, which are single bits. */
  bits = 0;

  /** Adds `more` bytes and returns their offset. */
  reserve(more: number): number {
    const at = this.length;
    this.length += more;
    if (this.length > this.bytes.length) this.#grow();
    return at;
  }

  int32(value: number): void {
    // `reserve` may replace the view, so it comes first.
    const at = this.reserve(4);
    this.view.setInt32(at, value, true);
  }

  int64(high: number, low: number): void {
    const at = this.reserve(8);
    this.view.setInt32(at, low, true);
    this.view.setInt32(at + 4, high, true);
  }

  copy(from: DataView, start: number, length: number): void {
    const at = this.reserve(length);
    // A native call costs as much as copying some dozen bytes in JavaScript.
    if (length < 40)
      for (let n = 0; n < length; n++) this.view.setUint8(at + n, from.getUint8(start + n));
    else this.bytes.set(new Uint8Array(from.buffer, from.byteOffset + start, length), at);
  }

  /** Appends text or bytes, preceded by their length. */
  byteArray(from: DataView, start: number, length: number): void {
    const at = this.reserve(4);
    this.view.setUint32(at, length, true);
    this.copy(from, start, length);
  }

  /** Appends a text that has only ASCII characters, preceded by its length. */
  ascii(text: string): void {
    const at = this.reserve(4 + text.length);
    this.view.setUint32(at, text.length, true);
    this.bytes.write(text, at + 4, 'latin1');
  }

  bit(on: boolean): void {
    if (this.bits % 8 === 0) {
      const next = this.reserve(1);
      this.view.setUint8(next, 0);
    }
    const at = this.length - 1;
    if (on) this.view.setUint8(at, this.view.getUint8(at) | (1 << (this.bits % 8)));
    this.bits++;
  }

  /** Appends values to an empty buffer. */
  adopt({ view, length, bits }: PlainValues): void {
    this.copy(view, 0, length);
    this.bits = bits;
  }

  clear(): void {
    this.length = 0;
    this.bits = 0;
    // After one value of a gigabyte the buffer must not stay that large for the rest of the file.
    if (this.bytes.length > maxRetainedBytes) this.#replace(Buffer.allocUnsafe(256));
  }

  #grow(): void {
    const larger = Buffer.allocUnsafe(Math.max(this.length, 2 * this.bytes.length));
    larger.set(this.bytes);
    this.#replace(larger);
  }

  #replace(bytes: Buffer): void {
    this.bytes = bytes;
    this.view = viewOf(bytes);
  }
}

const viewOf = (bytes: Buffer): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
