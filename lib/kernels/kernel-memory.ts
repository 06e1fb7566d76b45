import { memoryBudget } from '../runtime/memory-budget.ts';

/** A message begins with its type (1 byte) and its length (4 bytes), which includes itself but not the type. */
export const headBytes = 5;
export const lengthBytes = 4;
const copyData = 'd'.charCodeAt(0);
const wasmPageBytes = 64 * 1_024;
/** Bytes after a region that a kernel may overwrite, or read without using them: it moves 16 bytes at a time. */
export const slackBytes = 64;
/** Bytes of the buffer of a socket: more than it has received after one turn of the event loop. Twice as many are before it. */
const inputBytes = memoryBudget.kernelInput.bytes / 3;

/**
 * Memories that were released, the last one first: V8 begins a collection of all garbage for each new one, which takes
 * an export longer than to connect.
 */
const released: KernelMemory[] = [];
/** As many connections as an export has usually. */
const maxReleased = 2;

/**
 * The memory of one socket and of the kernels that encode its rows, one after the other: the socket reads into it, so that
 * a kernel finds the rows where they were received. It never grows, because a memory that grows moves, and the socket
 * keeps the address of its buffer.
 *
 *   0 … 64 kB    what the compiler places
 *   `lead`       what was left of the last row, moved to the end of this region, right before the next bytes
 *   `input`      the socket's buffer
 *   `free`       regions of the kernel, up to `end`
 */
export class KernelMemory {
  /** A row that has more bytes is encoded by the format's encoder. */
  static readonly maxRowBytes = 2 * inputBytes - headBytes;
  readonly memory: WebAssembly.Memory;
  readonly bytes: Buffer<ArrayBuffer>;
  /** Where what was left of a row may begin; it ends where the next bytes begin. */
  readonly lead = wasmPageBytes;
  /** Address of the first byte that a socket receives. */
  readonly input = this.lead + 2 * inputBytes;
  /** The buffer of the socket. */
  readonly received: Buffer<ArrayBuffer>;
  /** The first address that kernels may use for their regions, and the end of the memory. */
  readonly free = this.input + inputBytes + slackBytes;
  readonly end: number;

  /** @param kernelBytes of the regions of the kernel, with their slack */
  constructor(kernelBytes: number) {
    const pages = Math.ceil((this.free + kernelBytes) / wasmPageBytes);
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    this.end = pages * wasmPageBytes;
    this.bytes = Buffer.from(this.memory.buffer);
    this.received = this.bytes.subarray(this.input, this.input + inputBytes);
  }

  /** Returns a memory with this room: one that was released, or a new one. */
  static acquire(kernelBytes: number): KernelMemory {
    const found = released.findIndex((memory) => memory.hasRoomFor(kernelBytes));
    return released.splice(found, found === -1 ? 0 : 1)[0] ?? new KernelMemory(kernelBytes);
  }

  /** Keeps a memory for `acquire`. Nothing may refer to its bytes any more. */
  static release(memory: KernelMemory): void {
    released.unshift(memory);
    released.length = Math.min(released.length, maxReleased);
  }

  /** Returns whether kernels that need these bytes can use this memory. */
  hasRoomFor(kernelBytes: number): boolean {
    return this.end - this.free >= kernelBytes;
  }

  /** Returns the bytes of the row whose message begins at an address, null if no whole row for a kernel is there. */
  wholeRowAt(address: number, end: number): number | null {
    if (end - address < headBytes || this.bytes[address] !== copyData) return null;
    const length = this.bytes.readUInt32BE(address + 1) - lengthBytes;
    const isWhole = length >= 0 && length <= end - address - headBytes;
    return isWhole && length <= KernelMemory.maxRowBytes ? length : null;
  }

  /** Returns the row of the message that begins at an address. */
  rowAt(address: number): Buffer {
    const length = this.bytes.readUInt32BE(address + 1) - lengthBytes;
    const start = address + headBytes;
    return this.bytes.subarray(start, start + length);
  }
}
