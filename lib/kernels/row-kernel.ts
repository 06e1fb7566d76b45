import type { BufferPool } from '../runtime/buffer-pool.ts';
import type { KernelMemory } from './kernel-memory.ts';

/**
 * A kernel encodes the rows of one COPY where the socket has received them, in WebAssembly, on the thread that reads
 * the socket. It has the place of an `Encoder`, and its output is that of the format's encoder, byte for byte.
 *
 * The server sends each row as one message (CopyData). `RowReader` calls the kernel with the addresses of received
 * messages in the `KernelMemory` that both share; the memory of the socket's bytes changes once a call has returned, so a
 * kernel keeps nothing of it. All methods are synchronous. What they throw is the error of the COPY stream:
 * `UnencodableRowError` for a value that the format cannot hold.
 */
export interface RowKernel {
  /** Rows encoded so far. */
  readonly rows: number;
  /**
   * Encodes the rows whose messages are between these addresses, the first of which begins at `at`, and emits what is
   * full meanwhile. Returns the address at which it stopped: `end`, or that of the first message which is not whole, is no
   * row, or whose row has more than `KernelMemory.maxRowBytes`. Reads and writes nothing outside of the message that it
   * is at and of its own regions, whatever length the message claims.
   */
  encode(at: number, end: number): number;
  /** Encodes the next bytes of a row that has more than `maxRowBytes`; `isLast`: the row ends with them. */
  encodeLongRow(bytes: Buffer, isLast: boolean): void;
  /** Emits the rows that are encoded, if the format can, so that progress is visible on a slow source. */
  flush(): void;
  /** Emits everything that is left, after the last row. */
  end(): void;
  /**
   * Work that has to be done before the kernel is called again, if there is any. The socket is paused until then; `encode`
   * may have stopped before `end` because of it, at a whole row.
   */
  readonly pending?: Promise<void> | undefined;
  /** As that of `Encoder`: for each column how many of its values became NULL. */
  nulled?(): readonly number[];
  /** As that of `Encoder`: the metadata of the segment for the footer, after `end`. */
  metadata?(): unknown;
}

export interface KernelContext {
  memory: KernelMemory;
  /** The chunks of the COPY stream: the consumer releases those that belong to the pool. */
  pool: BufferPool;
  /** Passes encoded bytes on. They must stay as they are until the consumer has released them. */
  emit: (chunk: Buffer) => void;
}

/** Why a call of a kernel in WebAssembly stopped: `Stop` of lib/kernels/assembly/frames.ts. */
export const stops = { noRow: 0, full: 1, malformed: 2, other: 3, end: 4 } as const;

/** How a format encodes certain columns by a kernel. */
export interface KernelPlan {
  /** Bytes that the kernel needs of `KernelMemory`, in addition to those of the socket. */
  bytes: number;
  /** Returns a kernel for one segment. */
  create: (context: KernelContext) => RowKernel;
}
