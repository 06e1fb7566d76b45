import { headBytes, KernelMemory, lengthBytes } from '../../kernels/kernel-memory.ts';
import type { RowKernel } from '../../kernels/row-kernel.ts';
import { type CopyRows, copyData, ignoredMessageTypes } from './copy-rows.ts';

const nothing = Buffer.alloc(0);

/**
 * The rows as a kernel encodes them, where they were received: in the memory that the kernel shares with the socket. What
 * is left of the last row is moved before the next bytes, so that the kernel finds every row whole. Bytes that were
 * received elsewhere, by TLS, are copied there.
 */
export class KernelRows implements CopyRows {
  readonly #memory: KernelMemory;
  readonly #kernel: RowKernel;
  /** The addresses of the bytes that are not encoded yet. Between two calls they end where the socket's buffer begins. */
  #at: number;
  #end: number;
  /** Received bytes that are not in the memory yet. */
  #outside: Buffer = nothing;
  /** How many bytes are still to come of a message that is not a row, and of a row that is too long for the kernel. */
  #toSkip = 0;
  #longRowLeft = 0;

  constructor(memory: KernelMemory, kernel: RowKernel) {
    this.#memory = memory;
    this.#kernel = kernel;
    this.#at = memory.input;
    this.#end = memory.input;
  }

  get rowCount(): number {
    return this.#kernel.rows;
  }

  get pending(): Promise<void> | undefined {
    return this.#kernel.pending;
  }

  take(bytes: Buffer): Buffer | undefined {
    if (bytes.buffer === this.#memory.bytes.buffer) this.#end += bytes.length;
    else this.#outside = bytes;
    return this.resume();
  }

  resume(): Buffer | undefined {
    const { bytes, input, received } = this.#memory;
    for (;;) {
      if (this.#encode())
        return Buffer.concat([bytes.subarray(this.#at, this.#end), this.#outside]);
      if (this.pending) return undefined;
      const left = this.#end - this.#at;
      bytes.copyWithin(input - left, this.#at, this.#end);
      this.#at = input - left;
      this.#end = input;
      if (this.#outside.length === 0) return undefined;
      const length = this.#outside.copy(received);
      this.#outside = this.#outside.subarray(length);
      this.#end += length;
    }
  }

  flush(): void {
    this.#kernel.flush();
  }

  end(): void {
    this.#kernel.end();
  }

  /** Encodes the bytes in the memory. Returns whether it stopped at a message that does not belong to the rows. */
  #encode(): boolean {
    const { bytes } = this.#memory;
    while (this.#at < this.#end) {
      if (this.#toSkip > 0) {
        const length = Math.min(this.#toSkip, this.#end - this.#at);
        this.#toSkip -= length;
        this.#at += length;
        continue;
      }
      if (this.#longRowLeft > 0) this.#encodeLongRow();
      else this.#at = this.#kernel.encode(this.#at, this.#end);
      if (this.pending || this.#at === this.#end) return false;
      if (this.#longRowLeft > 0) continue;
      const type = bytes[this.#at] ?? 0;
      if (type !== copyData && !ignoredMessageTypes.has(type)) return true;
      if (this.#end - this.#at < headBytes) return false;
      const length = bytes.readUInt32BE(this.#at + 1) - lengthBytes;
      if (length < 0) throw new Error('the source sent a message of an impossible length');
      if (type !== copyData) this.#toSkip = headBytes + length;
      else if (length > KernelMemory.maxRowBytes) {
        this.#longRowLeft = length;
        this.#at += headBytes;
      } else if (this.#end - this.#at < headBytes + length) return false;
    }
    return false;
  }

  #encodeLongRow(): void {
    const length = Math.min(this.#longRowLeft, this.#end - this.#at);
    const part = this.#memory.bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    this.#longRowLeft -= length;
    this.#kernel.encodeLongRow(part, this.#longRowLeft === 0);
  }
}
