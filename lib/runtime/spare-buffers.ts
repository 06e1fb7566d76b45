/**
 * Buffers of one size that are used again and again. V8 counts what it holds outside of its heap only now and
 * then: buffers made anew for each piece of a stream pile up to some 60 MB in each thread before they go.
 */
export class SpareBuffers {
  readonly #length: number;
  readonly #most: number;
  readonly #spare: ArrayBuffer[] = [];

  /** Of so many bytes each, and at most so many of them kept. */
  constructor(length: number, most: number) {
    this.#length = length;
    this.#most = most;
  }

  take(): Buffer<ArrayBuffer> {
    return Buffer.from(this.#spare.pop() ?? new ArrayBuffer(this.#length));
  }

  /** Nobody may look at it, or at any part of it, from now on. What is none of these is left to be collected. */
  give(bytes: Uint8Array): void {
    if (this.isOne(bytes) && this.#spare.length < this.#most) this.#spare.push(bytes.buffer);
  }

  /** Whether it is in a buffer as they are made here, which is in no pool with others. */
  isOne(bytes: Uint8Array): bytes is Uint8Array<ArrayBuffer> {
    return bytes.buffer instanceof ArrayBuffer && bytes.buffer.byteLength === this.#length;
  }
}
