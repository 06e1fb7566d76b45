import { Readable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { BufferPool } from '../../runtime/buffer-pool.ts';
import { formatOf } from '../index.ts';
import { int64, toCopyBinary } from '../testing/copy-binary.ts';
import type { Job } from './protocol.ts';
import { WorkerEncoder } from './worker-encoder.ts';

const column = (name: string, type: string) => ({ name, type, base: type, nullable: true });
const parquet: Job = {
  request: { format: 'parquet', profile: 'machine', timeZone: 'UTC', compression: 'zstd' },
  columns: [column('id', 'bigint'), column('list', 'bigint[]')],
};
const xlsx: Job = {
  request: { format: 'xlsx', profile: 'machine', timeZone: 'UTC', compression: 'none' },
  columns: [column('text', 'text')],
};
const rowsOf = (count: number): Buffer =>
  toCopyBinary(Array.from({ length: count }, (_, n) => [int64(BigInt(n)), null]));
const pool = new BufferPool(1_000, 4);
const context = { signal: new AbortController().signal, pool };

async function all(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const result: Buffer[] = [];
  for await (const chunk of chunks) result.push(chunk);
  return Buffer.concat(result);
}

describe('WorkerEncoder', () => {
  test('returns the bytes, row count and metadata that the same encoder returns in the main thread', async () => {
    const bytes = rowsOf(50_000);
    const chunks = Array.from({ length: 100 }, (_, n) =>
      bytes.subarray((n * bytes.length) / 100, ((n + 1) * bytes.length) / 100),
    );
    const local = formatOf(parquet.request).encoder(parquet.columns, 'zstd');
    const expected = await all(local.encode(Readable.from(chunks)));
    const worker = new WorkerEncoder(parquet, context);
    const result = await all(worker.encode(Readable.from(chunks)));
    expect(result.equals(expected)).toBe(true);
    expect(worker.rows).toBe(50_000);
    expect(worker.metadata()).toEqual(local.metadata?.());
    expect(worker.nulled()).toEqual(local.nulled?.());
  });

  test('reuses a worker for another job, even of another format', async () => {
    for (let n = 0; n < 3; n++) {
      const worker = new WorkerEncoder(xlsx, context);
      const result = await all(worker.encode(Readable.from([Buffer.from('a\nb\n')])));
      expect(result.subarray(0, 2).toString()).toBe('PK');
      expect(worker.rows).toBe(2);
    }
  });

  test('accepts views of pooled buffers, which are reused once they are encoded', async () => {
    const lines = Buffer.from('a text of some length\n'.repeat(20_000));
    async function* cut(): AsyncGenerator<Buffer> {
      for (let at = 0; at < lines.length; at += 1_000) {
        const chunk = pool.acquire();
        lines.copy(chunk, 0, at);
        yield chunk.subarray(0, Math.min(1_000, lines.length - at));
      }
    }
    const worker = new WorkerEncoder(xlsx, context);
    await all(worker.encode(cut()));
    expect(worker.rows).toBe(20_000);
  });

  test('fails with the row and the column of a value that the format cannot hold', async () => {
    const long = Buffer.from(`short\n${'x'.repeat(32_768)}\n`);
    const result = all(new WorkerEncoder(xlsx, context).encode(Readable.from([long])));
    await expect(result).rejects.toMatchObject({
      name: 'UnencodableRowError',
      code: 'cell_too_long',
      row: 2,
      text: { prefix: 'Row ', suffix: expect.stringContaining('in the column text') },
    });
  });

  test('fails if the source fails, or ends inside a row', async () => {
    const bytes = rowsOf(10);
    const cut = all(
      new WorkerEncoder(parquet, context).encode(Readable.from([bytes.subarray(0, 40)])),
    );
    await expect(cut).rejects.toThrow('inside a row');
    const broken = Readable.from(
      (function* () {
        yield bytes.subarray(0, 40);
        throw new Error('the source is gone');
      })(),
    );
    const result = all(new WorkerEncoder(parquet, context).encode(broken));
    await expect(result).rejects.toThrow('the source is gone');
  });

  test('ends when the signal aborts, whether its result is consumed or not', async () => {
    const stop = new AbortController();
    const endless = Readable.from(
      (function* () {
        for (;;) yield Buffer.from(`${'x'.repeat(1_000)}\n`.repeat(100));
      })(),
    );
    const chunks = new WorkerEncoder(xlsx, { signal: stop.signal, pool }).encode(endless);
    setTimeout(() => stop.abort(new Error('stopped')), 200);
    await expect(all(chunks)).rejects.toThrow('stopped');
    const stopUnread = new AbortController();
    const unread = new WorkerEncoder(xlsx, { signal: stopUnread.signal, pool }).encode(
      Readable.from([Buffer.from('a\n')]),
    );
    stopUnread.abort(new Error('stopped, too'));
    await expect(all(unread)).rejects.toThrow('stopped, too');
  });
});
