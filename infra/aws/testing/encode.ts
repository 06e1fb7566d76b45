import { z } from 'zod';
import { WorkerEncoder } from '../../../lib/formats/worker/worker-encoder.ts';
import { BufferPool } from '../../../lib/runtime/buffer-pool.ts';

/**
 * A function that encodes `rows` rows as XLSX in a worker thread, as the export worker does, which itself would need a
 * catalogue, a source and a storage. Returns the file in base64.
 */
export async function handler(event: unknown): Promise<string> {
  const { rows } = z.object({ rows: z.int() }).parse(event);
  const encoder = new WorkerEncoder(
    {
      request: { format: 'xlsx', profile: 'machine', timeZone: 'UTC', compression: 'none' },
      columns: [{ name: 'text', type: 'text', base: 'text', nullable: true }],
    },
    { signal: new AbortController().signal, pool: new BufferPool(1_000, 4) },
  );
  const chunks: Buffer[] = [];
  for await (const chunk of encoder.encode(linesOf(rows))) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('base64');
}

async function* linesOf(rows: number): AsyncGenerator<Buffer> {
  for (let row = 0; row < rows; row++) yield Buffer.from(`row ${row}\n`);
}
