import { memoryBudget } from '../../runtime/memory-budget.ts';

/** The positions of the values of one row in `view`: value `n` has `lengths[n]` bytes from `starts[n]`; -1 is NULL. */
export interface BinaryRow {
  view: DataView;
  starts: Int32Array;
  lengths: Int32Array;
}

const signature = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1');
/** After the signature come the flags and the length of an extension, 4 bytes each. */
const headerLength = signature.length + 8;
const nullLength = -1;
/** The buffer grows for larger rows and chunks; above `maxRetainedBytes` it is replaced by one of this size. */
const smallBufferBytes = 256 * 1_024;
const maxRetainedBytes = memoryBudget.binaryRows.bytes;

/**
 * Parses COPY … (FORMAT binary) row by row from chunks cut anywhere. It keeps one row and one chunk in memory.
 * https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.4
 */
export class CopyBinaryParser implements BinaryRow {
  view: DataView;
  readonly starts: Int32Array;
  readonly lengths: Int32Array;
  /** Bytes of the rows parsed so far. */
  rowBytes = 0;
  /** One buffer for all chunks, because one for each chunk would pile up until they are collected. */
  #bytes = Buffer.alloc(0);
  #at = 0;
  #end = 0;
  #needed = headerLength;
  #state: 'header' | 'rows' | 'ended' = 'header';

  constructor(columns: number) {
    this.starts = new Int32Array(columns);
    this.lengths = new Int32Array(columns);
    this.view = viewOf(this.#bytes);
  }

  /** Bytes that are not part of a row yet. */
  get bytesLeft(): number {
    return this.#end - this.#at;
  }

  /** Adds a chunk. Call it when `next` has returned false; it invalidates the row that `next` returned before. */
  push(chunk: Buffer): void {
    const rest = this.#bytes.subarray(this.#at, this.#end);
    const length = rest.length + chunk.length;
    const isTooLarge = this.#bytes.length > maxRetainedBytes && length < smallBufferBytes;
    if (length > this.#bytes.length || isTooLarge) {
      this.#bytes = Buffer.allocUnsafeSlow(isTooLarge ? smallBufferBytes : 2 * length);
      this.view = viewOf(this.#bytes);
      this.#bytes.set(rest);
    } else if (this.#at > 0) this.#bytes.set(rest);
    this.#bytes.set(chunk, rest.length);
    this.#at = 0;
    this.#end = length;
  }

  /** Moves to the next row. Returns false if another chunk has to be pushed first. */
  next(): boolean {
    if (!this.#has(this.#needed)) return false;
    if (this.#state === 'header' && !this.#header()) return false;
    return this.#state === 'rows' ? this.#row() : this.#atEnd();
  }

  /** Call it after the last chunk. Throws if the rows are incomplete. */
  end(): void {
    if (this.#state !== 'ended') throw new Error('the rows end inside a row');
  }

  #header(): boolean {
    const at = this.#at;
    if (!this.#bytes.subarray(at, at + signature.length).equals(signature))
      throw new Error('COPY sent bytes that are not its binary format');
    // Bits 16 to 31 are critical: a reader that does not know one has to stop. None is defined yet.
    if (this.view.getUint32(at + signature.length) !== 0)
      throw new Error('COPY set an unknown flag');
    const length = headerLength + this.view.getUint32(at + signature.length + 4);
    if (!this.#has(length)) return false;
    this.#advance(length);
    this.#state = 'rows';
    return true;
  }

  #row(): boolean {
    const { view, starts, lengths } = this;
    if (!this.#has(2)) return false;
    const columns = view.getInt16(this.#at);
    if (columns === -1) {
      this.#advance(2);
      this.#state = 'ended';
      return this.#atEnd();
    }
    if (columns !== starts.length)
      throw new Error(`COPY sent a row of ${columns} columns instead of ${starts.length}`);
    let length = 2;
    for (let n = 0; n < columns; n++) {
      if (!this.#has(length + 4)) return false;
      const bytes = view.getInt32(this.#at + length);
      length += 4;
      starts[n] = this.#at + length;
      lengths[n] = bytes;
      if (bytes === nullLength) continue;
      if (bytes < 0) throw new Error('COPY sent a value of negative length');
      length += bytes;
      if (!this.#has(length)) return false;
    }
    this.rowBytes += length;
    this.#advance(length);
    return true;
  }

  #atEnd(): false {
    if (this.#end > this.#at) throw new Error('COPY sent bytes after its end');
    return false;
  }

  /** Returns whether `bytes` are buffered; if not, `next` returns false until they are. */
  #has(bytes: number): boolean {
    if (this.#end - this.#at >= bytes) return true;
    this.#needed = bytes;
    return false;
  }

  #advance(bytes: number): void {
    this.#at += bytes;
    this.#needed = 1;
  }
}

const viewOf = (bytes: Buffer): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
