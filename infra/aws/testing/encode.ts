import { z } from 'zod';
import { formatOf } from '../../../lib/formats/index.ts';
import { WorkerEncoder } from '../../../lib/formats/worker/worker-encoder.ts';
import { KernelMemory } from '../../../lib/kernels/kernel-memory.ts';
import { BufferPool } from '../../../lib/runtime/buffer-pool.ts';
import { memoryBudget } from '../../../lib/runtime/memory-budget.ts';
import { KernelRows } from '../../../lib/sources/copy/kernel-rows.ts';

const columns = [{ name: 'text', type: 'text', base: 'text', nullable: true }];
const request = { profile: 'machine', timeZone: 'UTC', compression: 'none' } as const;

/**
 * A function that encodes `rows` rows as the export worker does, which itself would need a catalogue, a source and a
 * storage: as XLSX in a worker thread, and as NDJSON by a kernel. Returns the files in base64.
 */
export async function handler(event: unknown): Promise<{ xlsx: string; ndjson: string }> {
  const { rows } = z.object({ rows: z.int() }).parse(event);
  const lines = Array.from({ length: rows }, (_, row) => Buffer.from(`row ${row}\n`));
  return { xlsx: await encodeInThread(lines), ndjson: encodeByKernel(lines) };
}

async function encodeInThread(lines: readonly Buffer[]): Promise<string> {
  const encoder = new WorkerEncoder(
    { request: { ...request, format: 'xlsx' }, columns },
    { signal: new AbortController().signal, pool: new BufferPool(1_000, 4) },
  );
  const source = async function* (): AsyncGenerator<Buffer> {
    yield* lines;
  };
  const chunks: Buffer[] = [];
  for await (const chunk of encoder.encode(source())) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('base64');
}

function encodeByKernel(lines: readonly Buffer[]): string {
  const plan = formatOf({ ...request, format: 'ndjson' }).kernel?.(columns, 'none');
  if (!plan) throw new Error('NDJSON has no kernel');
  const memory = new KernelMemory(plan.bytes);
  const chunks: Buffer[] = [];
  const pool = new BufferPool(memoryBudget.copyChunk.bytes, 4);
  const rows = new KernelRows(
    memory,
    plan.create({ memory, pool, emit: (chunk) => chunks.push(chunk) }),
  );
  for (const line of lines) {
    const head = Buffer.from('d\0\0\0\0');
    head.writeUInt32BE(line.length + 4, 1);
    rows.take(Buffer.concat([head, line]));
  }
  rows.end();
  return Buffer.concat(chunks).toString('base64');
}
