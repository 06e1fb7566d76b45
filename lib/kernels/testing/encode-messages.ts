import { BufferPool } from '../../runtime/buffer-pool.ts';
import { memoryBudget } from '../../runtime/memory-budget.ts';
import { KernelRows } from '../../sources/copy/kernel-rows.ts';
import { KernelMemory } from '../kernel-memory.ts';
import type { KernelPlan, RowKernel } from '../row-kernel.ts';

/** Returns a message of PostgreSQL's protocol. */
export function message(type: string, body: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.write(type, 'latin1');
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

/** Returns the messages of these rows, and of CopyDone. */
export const messagesOf = (rows: readonly Uint8Array[]): Buffer =>
  Buffer.concat([...rows.map((row) => message('d', row)), message('c', Buffer.alloc(0))]);

interface Received {
  bytes: Buffer;
  chunks: Buffer[];
  rest: Buffer | undefined;
  kernel: RowKernel;
}

/** Bytes between and around the memory's regions that nobody may write. */
const canary = 0xa5;

/**
 * Has a kernel encode these bytes as a socket would hand them over, received where the memory has the buffer of the
 * socket. Throws what the kernel throws, and an error if something was written that is no byte of the kernel's memory.
 *
 * @param options.elsewhere the bytes are received in buffers of their own, as by TLS
 */
export function encodeMessages(
  plan: KernelPlan,
  pieces: readonly Buffer[],
  { elsewhere = false, memory = new KernelMemory(plan.bytes) } = {},
): Received {
  const chunks: Buffer[] = [];
  const pool = new BufferPool(memoryBudget.copyChunk.bytes, 0);
  const kernel = plan.create({ memory, pool, emit: (chunk) => chunks.push(chunk) });
  const rows = new KernelRows(memory, kernel);
  // What the compiler places is below; what was left of a row and the socket's bytes are written from here on.
  const before = memory.bytes.subarray(1_024, memory.lead);
  before.fill(canary);
  let rest: Buffer | undefined;
  for (const piece of pieces) {
    for (let at = 0; at < piece.length; at += memory.received.length) {
      const part = piece.subarray(at, at + memory.received.length);
      const received = elsewhere ? part : memory.received.subarray(0, part.copy(memory.received));
      const after = rows.take(received);
      if (after) rest = Buffer.concat([after, piece.subarray(at + part.length)]);
      // The socket overwrites its buffer.
      if (!elsewhere && !after) memory.received.fill(canary);
    }
    if (rest) break;
  }
  if (rest?.[0] === 'c'.charCodeAt(0)) rows.end();
  if (before.some((byte) => byte !== canary)) throw new Error('bytes before the regions changed');
  return { bytes: Buffer.concat(chunks), chunks, rest, kernel };
}
