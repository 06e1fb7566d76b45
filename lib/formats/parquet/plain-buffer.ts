const mostKept = 4 * 1_024 * 1_024;

/** The values of a page as they stand in it (PLAIN): little-endian, behind each other; it grows. */
export class Values {
  bytes: Buffer = Buffer.allocUnsafe(256);
  view = viewOf(this.bytes);
  length = 0;
  /** Of a page of booleans, which are single bits. */
  bits = 0;

  /** Makes room for so many bytes more and says where they begin. */
  take(more: number): number {
    const at = this.length;
    this.length += more;
    if (this.length > this.bytes.length) this.#grow();
    return at;
  }

  int32(value: number): void {
    // Before the view is taken: `take` may put another in its place.
    const at = this.take(4);
    this.view.setInt32(at, value, true);
  }

  int64(high: number, low: number): void {
    const at = this.take(8);
    this.view.setInt32(at, low, true);
    this.view.setInt32(at + 4, high, true);
  }

  copy(from: DataView, start: number, length: number): void {
    const at = this.take(length);
    // A call out of JavaScript costs as much as some dozen bytes.
    if (length < 40)
      for (let n = 0; n < length; n++) this.view.setUint8(at + n, from.getUint8(start + n));
    else this.bytes.set(new Uint8Array(from.buffer, from.byteOffset + start, length), at);
  }

  /** Text and bytes have their length before them. */
  byteArray(from: DataView, start: number, length: number): void {
    const at = this.take(4);
    this.view.setUint32(at, length, true);
    this.copy(from, start, length);
  }

  /** A text of ASCII. */
  ascii(text: string): void {
    const at = this.take(4 + text.length);
    this.view.setUint32(at, text.length, true);
    this.bytes.write(text, at + 4, 'latin1');
  }

  bit(on: boolean): void {
    if (this.bits % 8 === 0) {
      const next = this.take(1);
      this.view.setUint8(next, 0);
    }
    const at = this.length - 1;
    if (on) this.view.setUint8(at, this.view.getUint8(at) | (1 << (this.bits % 8)));
    this.bits++;
  }

  clear(): void {
    this.length = 0;
    this.bits = 0;
    // One value of a gigabyte is not to cost that for the rest of the file.
    if (this.bytes.length > mostKept) this.#turnTo(Buffer.allocUnsafe(256));
  }

  #grow(): void {
    const larger = Buffer.allocUnsafe(Math.max(this.length, 2 * this.bytes.length));
    larger.set(this.bytes);
    this.#turnTo(larger);
  }

  #turnTo(bytes: Buffer): void {
    this.bytes = bytes;
    this.view = viewOf(bytes);
  }
}

const viewOf = (bytes: Buffer): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
