/** Where the values of one row lie: value `n` has `lengths[n]` bytes from `starts[n]`; -1 is NULL. */
export interface CopyRow {
  view: DataView;
  starts: Int32Array;
  lengths: Int32Array;
}

const signature = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1');
/** Behind the signature: flags, and the length of an extension. */
const headerLength = signature.length + 8;
const isNull = -1;
/** Bytes of the buffer; what a row of a gigabyte made of it is given back behind it. */
const usual = 256 * 1_024;
const mostKept = 16 * usual;

/**
 * Takes COPY … (FORMAT binary) apart, row by row, out of pieces cut anywhere. A row has to fit into
 * memory; no more is kept. https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.4
 */
export class CopyRows implements CopyRow {
  view: DataView;
  readonly starts: Int32Array;
  readonly lengths: Int32Array;
  /** How many bytes of rows were given so far. */
  taken = 0;
  /** One for all pieces, because a new one for each would pile up until they are collected. */
  #bytes = Buffer.allocUnsafeSlow(usual);
  #at = 0;
  #end = 0;
  #needed = headerLength;
  #state: 'header' | 'rows' | 'ended' = 'header';

  constructor(columns: number) {
    this.starts = new Int32Array(columns);
    this.lengths = new Int32Array(columns);
    this.view = viewOf(this.#bytes);
  }

  /** To be called when `next` said false. What it gave before is gone then. */
  push(piece: Buffer): void {
    const begun = this.#bytes.subarray(this.#at, this.#end);
    const length = begun.length + piece.length;
    const isTooLarge = this.#bytes.length > mostKept && length < usual;
    if (length > this.#bytes.length || isTooLarge) {
      this.#bytes = Buffer.allocUnsafeSlow(isTooLarge ? usual : 2 * length);
      this.view = viewOf(this.#bytes);
      this.#bytes.set(begun);
    } else if (this.#at > 0) this.#bytes.set(begun);
    this.#bytes.set(piece, begun.length);
    this.#at = 0;
    this.#end = length;
  }

  /** Goes on to the next row; false if more has to be pushed before. */
  next(): boolean {
    if (!this.#has(this.#needed)) return false;
    if (this.#state === 'header' && !this.#header()) return false;
    return this.#state === 'rows' ? this.#row() : this.#nothing();
  }

  /** To be called behind the last piece. */
  end(): void {
    if (this.#state !== 'ended') throw new Error('the rows end inside a row');
  }

  #header(): boolean {
    const at = this.#at;
    if (!this.#bytes.subarray(at, at + signature.length).equals(signature))
      throw new Error('COPY gave something that is not its binary format');
    // Bits 16 to 31 are for what a reader has to know; there is nothing yet that it could.
    if (this.view.getUint32(at + signature.length) !== 0)
      throw new Error('COPY has a flag set that we do not know');
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
      return this.#nothing();
    }
    if (columns !== starts.length)
      throw new Error(`COPY gave a row of ${columns} columns in place of ${starts.length}`);
    let length = 2;
    for (let n = 0; n < columns; n++) {
      if (!this.#has(length + 4)) return false;
      const bytes = view.getInt32(this.#at + length);
      length += 4;
      starts[n] = this.#at + length;
      lengths[n] = bytes;
      if (bytes === isNull) continue;
      if (bytes < 0) throw new Error('COPY gave a value of negative length');
      length += bytes;
      if (!this.#has(length)) return false;
    }
    this.taken += length;
    this.#advance(length);
    return true;
  }

  #nothing(): false {
    if (this.#end > this.#at) throw new Error('COPY gave more behind its end');
    return false;
  }

  /** Whether so many bytes are here; else they are waited for. */
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
