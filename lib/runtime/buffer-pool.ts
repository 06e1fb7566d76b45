/**
 * A pool of buffers of one size. V8 collects unreachable external buffers only after about 64 MB per thread, so that a
 * new buffer for each chunk of a stream would cost that much memory in each thread.
 */
export class BufferPool {
  readonly #length: number;
  readonly #maxRetained: number;
  readonly #free: ArrayBuffer[] = [];

  /**
   * @param length bytes per buffer
   * @param maxRetained free buffers to keep
   */
  constructor(length: number, maxRetained: number) {
    this.#length = length;
    this.#maxRetained = maxRetained;
  }

  acquire(): Buffer<ArrayBuffer> {
    return Buffer.from(this.#free.pop() ?? new ArrayBuffer(this.#length));
  }

  /**
   * Returns a buffer to the pool. The caller must not use the buffer, or a view of it, afterwards. Buffers that do not
   * belong to the pool are ignored.
   */
  release(bytes: Uint8Array): void {
    if (this.owns(bytes) && this.#free.length < this.#maxRetained) this.#free.push(bytes.buffer);
  }

  /** Returns whether the bytes fill a buffer of the pool's length; such a buffer is not shared with other bytes. */
  owns(bytes: Uint8Array): bytes is Uint8Array<ArrayBuffer> {
    return bytes.buffer instanceof ArrayBuffer && bytes.buffer.byteLength === this.#length;
  }
}
