import { BufferPool } from '../../runtime/buffer-pool.ts';
import { errorMessage } from '../../runtime/errors.ts';
import { memoryBudget } from '../../runtime/memory-budget.ts';
import { KernelRows } from '../../sources/copy/kernel-rows.ts';
import { KernelMemory, slackBytes } from '../kernel-memory.ts';
import type { KernelPlan } from '../row-kernel.ts';

/** Runs of a test with random rows: `STREAMSYNC_TEST_LONG=1 npm run test:unit -- lib/kernels` takes an hour for many more. */
export const runs = process.env.STREAMSYNC_TEST_LONG === '1' ? 50_000 : 40;

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

interface Encoded {
  bytes: Buffer;
  chunks: Buffer[];
  /** Whether a message came that does not belong to the rows. */
  ended: boolean;
  rows: number;
}

/** What is in the memory around the regions: a kernel may read it, but its output must not depend on it. */
const fillers = [0x0a, 0x5c];
/** Bytes after the regions of a kernel. */
const tailBytes = 65_536;

/**
 * Has a kernel encode these bytes as a socket hands them over: received in the memory, where the socket has its buffer.
 * Throws what the kernel throws. Throws if the kernel wrote outside of its regions, or if its output depends on bytes
 * outside of what was received.
 *
 * @param elsewhere whether the bytes are received in buffers of their own, as by TLS
 */
export function encodeMessages(
  plan: KernelPlan,
  received: readonly Buffer[],
  elsewhere = false,
): Encoded {
  const outcomes = fillers.map((filler) =>
    outcomeOf(() => encodeOnce(plan, received, { filler, elsewhere })),
  );
  const [first, ...others] = outcomes;
  if (!first) throw new Error('no filler');
  for (const other of others)
    if (other.text !== first.text)
      throw new Error('the output depends on bytes outside of the rows');
  if ('error' in first) throw first.error;
  return first.encoded;
}

type Outcome = { text: string } & ({ encoded: Encoded } | { error: unknown });

function outcomeOf(encode: () => Encoded): Outcome {
  try {
    const encoded = encode();
    return { encoded, text: encoded.bytes.toString('latin1') };
  } catch (error) {
    return { error, text: errorMessage(error) };
  }
}

interface FilledMemory {
  memory: KernelMemory;
  /** What the kernel may not write: below the regions, between them, and after them. */
  around: { region: Buffer; before: Buffer }[];
}

const memories = new Map<string, FilledMemory>();

function memoryFor({ bytes }: KernelPlan, filler: number): FilledMemory {
  const key = `${bytes} ${filler}`;
  const known = memories.get(key);
  if (known) return known;
  const memory = new KernelMemory(bytes + tailBytes);
  // What the compiler places is at the beginning.
  memory.bytes.fill(filler, 1_024);
  const around = [
    memory.bytes.subarray(1_024, memory.lead),
    memory.bytes.subarray(memory.free - slackBytes, memory.free),
    memory.bytes.subarray(memory.free + bytes),
  ].map((region) => ({ region, before: Buffer.from(region) }));
  memories.set(key, { memory, around });
  return { memory, around };
}

function encodeOnce(
  plan: KernelPlan,
  received: readonly Buffer[],
  { filler, elsewhere }: { filler: number; elsewhere: boolean },
): Encoded {
  const { memory, around } = memoryFor(plan, filler);
  const output: Buffer[] = [];
  const pool = new BufferPool(memoryBudget.copyChunk.bytes, 0);
  const kernel = plan.create({ memory, pool, emit: (chunk) => output.push(chunk) });
  const rows = new KernelRows(memory, kernel);
  let rest: Buffer | undefined;
  try {
    for (const chunk of received.flatMap((bytes) => cutEvery(bytes, memory.received.length))) {
      if (elsewhere) rest = rows.take(chunk);
      else {
        memory.received.fill(filler, 0, Math.min(chunk.length + 64, memory.received.length));
        rest = rows.take(memory.received.subarray(0, chunk.copy(memory.received)));
      }
      if (rest) break;
    }
    if (rest?.[0] === 'c'.charCodeAt(0)) rows.end();
  } finally {
    // Also after an error of the kernel.
    assertUnchanged(around);
  }
  return {
    bytes: Buffer.concat(output),
    chunks: output,
    ended: rest !== undefined,
    rows: kernel.rows,
  };
}

function assertUnchanged(around: FilledMemory['around']): void {
  if (around.some(({ region, before }) => !region.equals(before)))
    throw new Error('the kernel wrote outside of its regions');
}

const cutEvery = (bytes: Buffer, length: number): Buffer[] =>
  Array.from({ length: Math.ceil(bytes.length / length) }, (_, n) =>
    bytes.subarray(n * length, (n + 1) * length),
  );

/** Returns a row with other bytes at these places; -1 in place of a byte removes it. */
export function changedRow(row: Buffer, changes: readonly (readonly [number, number])[]): Buffer {
  const bytes = [...row];
  for (const [at, byte] of changes)
    if (byte === -1) bytes.splice(at, 1);
    else bytes[at] = byte;
  return Buffer.from(bytes);
}

/** Returns messages of which the first claims another length than it has. */
export const withWrongLengths = (messages: Buffer): Buffer[] =>
  [0, 1, 3, 4, 5, messages.length, 65_536, 2 ** 31, 2 ** 32 - 1].map((claimed) => {
    const wrong = Buffer.from(messages);
    wrong.writeUInt32BE(claimed, 1);
    return wrong;
  });
