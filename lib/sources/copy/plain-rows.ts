import { headBytes, lengthBytes } from '../../kernels/kernel-memory.ts';
import type { BufferPool } from '../../runtime/buffer-pool.ts';
import { memoryBudget } from '../../runtime/memory-budget.ts';
import { type CopyRows, copyData, ignoredMessageTypes } from './copy-rows.ts';

/** Bytes of a full chunk. */
const chunkBytes = memoryBudget.copyChunk.bytes;

/** The rows as the server sends them, in chunks of a pool. */
export class PlainRows implements CopyRows {
  rowCount = 0;
  readonly #pool: BufferPool;
  readonly #emit: (chunk: Buffer) => void;
  #chunk: Buffer | undefined;
  #filled = 0;
  /** The current message: its type, and how many of its bytes are still to come. */
  #type = 0;
  #bytesLeft = 0;
  #head: Buffer = Buffer.alloc(0);

  constructor(pool: BufferPool, emit: (chunk: Buffer) => void) {
    this.#pool = pool;
    this.#emit = emit;
  }

  take(received: Buffer): Buffer | undefined {
    const bytes = this.#head.length > 0 ? Buffer.concat([this.#head, received]) : received;
    let at = 0;
    while (at < bytes.length) {
      if (this.#bytesLeft === 0) {
        const type = bytes[at] ?? 0;
        if (type !== copyData && !ignoredMessageTypes.has(type)) return bytes.subarray(at);
        if (bytes.length - at < headBytes) break;
        this.#type = type;
        this.#bytesLeft = bytes.readUInt32BE(at + 1) - lengthBytes;
        at += headBytes;
      }
      const length = Math.min(this.#bytesLeft, bytes.length - at);
      if (this.#type === copyData) this.#append(bytes, at, length);
      at += length;
      this.#bytesLeft -= length;
      if (this.#bytesLeft === 0 && this.#type === copyData) this.rowCount++;
    }
    // Copied, because the socket reuses its buffer.
    this.#head = Buffer.from(bytes.subarray(at));
    return undefined;
  }

  #append(bytes: Buffer, start: number, length: number): void {
    let at = start;
    while (at < start + length) {
      if (this.#filled === chunkBytes) this.flush();
      const chunk = (this.#chunk ??= this.#pool.acquire());
      const count = Math.min(start + length - at, chunkBytes - this.#filled);
      // Below 48 bytes a loop is faster than the native call of `copy`.
      if (count < 48) for (let n = 0; n < count; n++) chunk[this.#filled + n] = bytes[at + n] ?? 0;
      else bytes.copy(chunk, this.#filled, at, at + count);
      this.#filled += count;
      at += count;
    }
  }

  flush(): void {
    const chunk = this.#chunk?.subarray(0, this.#filled);
    this.#chunk = undefined;
    this.#filled = 0;
    if (chunk) this.#emit(chunk);
  }

  end(): void {
    this.flush();
  }
}
