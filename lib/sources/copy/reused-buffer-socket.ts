import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { KernelMemory } from '../../kernels/kernel-memory.ts';

/**
 * A socket that reads into one buffer for its whole life, which lies in the memory of kernels: they encode rows where
 * they were received. Node's own socket allocates 64 kB for each read, and those buffers pile up until they are collected.
 *
 * It can be read only by its event `data`; `pause` and `resume` work as usual.
 */
export class ReusedBufferSocket extends Socket {
  /** If true, the listener must not keep the bytes after it returns. Otherwise each chunk is copied. */
  lendsBuffer = false;
  readonly memory: KernelMemory;

  /** @param kernelBytes for which the memory has room, in addition to the buffer of the socket */
  constructor(kernelBytes = 0) {
    const memory = KernelMemory.acquire(kernelBytes);
    super({
      onread: {
        buffer: memory.received,
        callback: (length) => {
          const bytes = memory.received.subarray(0, length);
          this.emit('data', this.lendsBuffer ? bytes : Buffer.from(bytes));
          return true;
        },
      },
    });
    this.memory = memory;
  }

  /** Has another socket use the memory when this one is closed. Everything that was received must be consumed. */
  releaseMemory(): void {
    this.once('close', () => KernelMemory.release(this.memory));
  }
}

/** The memories of connections whose bytes are received elsewhere. */
const memories = new WeakMap<Duplex, KernelMemory>();

/** Returns the memory in which kernels encode what a connection receives: that of its socket, or one of its own. */
export function kernelMemoryOf(connection: Duplex, kernelBytes: number): KernelMemory {
  if (connection instanceof ReusedBufferSocket && connection.memory.hasRoomFor(kernelBytes))
    return connection.memory;
  const known = memories.get(connection);
  if (known?.hasRoomFor(kernelBytes)) return known;
  const memory = new KernelMemory(kernelBytes);
  memories.set(connection, memory);
  return memory;
}
