import { PassThrough } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import pg from 'pg';
import { cutAt } from '../../formats/testing/copy-binary.ts';
import { csvKernel } from '../../kernels/csv-kernel.ts';
import type { KernelPlan, RowKernel } from '../../kernels/row-kernel.ts';
import { message } from '../../kernels/testing/encode-messages.ts';
import { CopyToStream, createChunkPool } from './copy-stream.ts';

const copyOutResponse = message('H', Buffer.from([0, 0, 0]));
const done = message('c', Buffer.alloc(0));
const commandComplete = (rows: number): Buffer => message('C', Buffer.from(`COPY ${rows}\0`));
const rowsOf = (rows: readonly Uint8Array[]): Buffer =>
  Buffer.concat(rows.map((row) => message('d', Buffer.from(row))));

/** Sends chunks as the server would. Returns what the stream received, and `rest`: the bytes the driver got. */
async function receive(
  chunks: readonly Buffer[],
): Promise<{ bytes: Buffer; rowCount: number; rest: Buffer }> {
  const stream = new PassThrough();
  const rest: Buffer[] = [];
  stream.on('data', (bytes: Buffer) => rest.push(bytes));
  const connection = new pg.Connection({ stream: () => stream });
  connection.query = () => undefined;
  const copy = new CopyToStream('copy something to stdout');
  copy.submit(connection);
  for (const chunk of chunks) stream.write(chunk);
  const bytes: Buffer[] = [];
  for await (const chunk of copy) bytes.push(chunk);
  await new Promise((resolve) => setImmediate(resolve));
  return { bytes: Buffer.concat(bytes), rowCount: copy.rowCount, rest: Buffer.concat(rest) };
}

describe('CopyToStream', () => {
  const rows = ['1,one\n', '', '2,"two\nlines"\n', `3,${'x'.repeat(60)}\n`].map((it) =>
    Buffer.from(it),
  );
  const notice = message('N', Buffer.from('SNOTICE\0\0'));
  const sent = Buffer.concat([
    copyOutResponse,
    rowsOf(rows.slice(0, 2)),
    notice,
    rowsOf(rows.slice(2)),
    done,
    commandComplete(4),
  ]);

  test('CopyToStream returns the same rows wherever the input is cut and leaves the rest to the driver', async () => {
    for (let first = 0; first <= sent.length; first++) {
      const { bytes, rowCount, rest } = await receive(cutAt(sent, [first]));
      expect(bytes.toString()).toBe(Buffer.concat(rows).toString());
      expect(rowCount).toBe(4);
      expect(rest.equals(Buffer.concat([done, commandComplete(4)]))).toBe(true);
    }
    const single = [...sent].map((byte) => Buffer.from([byte]));
    expect((await receive(single)).bytes.toString()).toBe(Buffer.concat(rows).toString());
  });

  test('CopyToStream ends at CopyDone, before the server reports its row count', async () => {
    const stream = new PassThrough();
    stream.on('data', () => undefined);
    const connection = new pg.Connection({ stream: () => stream });
    connection.query = () => undefined;
    const copy = new CopyToStream('copy something to stdout');
    copy.submit(connection);
    stream.write(Buffer.concat([copyOutResponse, rowsOf(rows), done]));
    for await (const chunk of copy) expect(chunk.length).toBeGreaterThan(0);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(copy.destroyed).toBe(true);
    copy.handleCommandComplete({ text: 'COPY 4' });
    copy.handleReadyForQuery();
    await expect(copy.serverRowCount).resolves.toBe(4);
  });

  test('CopyToStream emits buffers of its pool, however many chunks wait', async () => {
    const stream = new PassThrough();
    stream.on('data', () => undefined);
    const connection = new pg.Connection({ stream: () => stream });
    connection.query = () => undefined;
    const pool = createChunkPool();
    const copy = new CopyToStream('copy something to stdout', { pool, readAheadChunks: 100 });
    copy.submit(connection);
    const row = Buffer.alloc(1_000, 'x');
    stream.write(
      Buffer.concat([copyOutResponse, rowsOf(Array.from({ length: 5_000 }, () => row)), done]),
    );
    await new Promise((resolve) => setTimeout(resolve, 50));
    let length = 0;
    for await (const chunk of copy) {
      expect(pool.owns(chunk)).toBe(true);
      length += chunk.length;
    }
    expect(length).toBe(5_000_000);
  });

  test('CopyToStream returns rows of any length whole from chunks of any length', async () => {
    const row = fc.oneof(
      fc.uint8Array({ maxLength: 100 }),
      fc.nat(600_000).map((length) => new Uint8Array(length).fill(length % 251)),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { maxLength: 8 }),
        fc.array(fc.nat()),
        async (rowsSent, places) => {
          const whole = Buffer.concat([
            copyOutResponse,
            rowsOf(rowsSent),
            done,
            commandComplete(rowsSent.length),
          ]);
          const { bytes, rowCount } = await receive(cutAt(whole, places));
          expect(bytes.equals(Buffer.concat(rowsSent))).toBe(true);
          expect(rowCount).toBe(rowsSent.length);
        },
      ),
      { numRuns: 60 },
    );
  });
});

/** Starts a COPY whose rows a kernel encodes. `send` sends bytes as the server would; `rest` are those the driver got. */
function startEncoded(kernel: KernelPlan, readAheadChunks = 4) {
  const stream = new PassThrough();
  const rest: Buffer[] = [];
  stream.on('data', (bytes: Buffer) => rest.push(bytes));
  const connection = new pg.Connection({ stream: () => stream });
  connection.query = () => undefined;
  const copy = new CopyToStream('copy something to stdout', { kernel, readAheadChunks });
  copy.submit(connection);
  return { copy, stream, rest, send: (...bytes: Buffer[]) => stream.write(Buffer.concat(bytes)) };
}

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));
const row = Buffer.from('1,one\n');

/** A kernel that only counts messages of `row`, with what a test changes in it. */
const countingKernel = (changed: Partial<RowKernel>): KernelPlan => ({
  bytes: 0,
  create: ({ memory }) => {
    const sent = message('d', row);
    const kernel = {
      rows: 0,
      encode: (from: number, end: number): number => {
        let at = from;
        for (
          ;
          memory.bytes.subarray(at, Math.min(end, at + sent.length)).equals(sent);
          kernel.rows++
        )
          at += sent.length;
        return at;
      },
      encodeLongRow: () => undefined,
      flush: () => undefined,
      end: () => undefined,
    };
    return Object.defineProperties(kernel, Object.getOwnPropertyDescriptors(changed));
  },
});

const deadlineMs = 20_000;

describe('CopyToStream with a kernel', () => {
  test(
    'gives what the kernel encodes, and leaves the rest to the driver',
    async () => {
      const { copy, rest, send } = startEncoded(csvKernel(true));
      send(copyOutResponse, rowsOf([row, row]), done, commandComplete(2));
      const chunks: Buffer[] = [];
      for await (const chunk of copy) chunks.push(chunk);
      expect(Buffer.concat(chunks).toString()).toBe('1,one\r\n1,one\r\n');
      expect(copy.rowCount).toBe(2);
      expect(Buffer.concat(rest).equals(Buffer.concat([done, commandComplete(2)]))).toBe(true);
    },
    deadlineMs,
  );

  test(
    'leaves an error of the server after some rows to the driver',
    async () => {
      const { copy, rest, send } = startEncoded(csvKernel(false));
      const error = message('E', Buffer.from('SERROR\0\0'));
      send(copyOutResponse, rowsOf([row]), error);
      await turn();
      expect(Buffer.concat(rest).equals(error)).toBe(true);
      copy.handleError(new Error('the server failed'));
      await expect(copy.toArray()).rejects.toThrow('the server failed');
    },
    deadlineMs,
  );

  test(
    'stops reading when the consumer does not read',
    async () => {
      const { copy, send, stream } = startEncoded(csvKernel(false), 2);
      const many = rowsOf(Array.from({ length: 50_000 }, () => row));
      for (let n = 0; n < 10; n++) send(many);
      send(done);
      await turn();
      expect(stream.readableLength + stream.writableLength).toBeGreaterThan(3_000_000);
      let length = 0;
      for await (const chunk of copy) length += chunk.length;
      expect(length).toBe(500_000 * row.length);
    },
    deadlineMs,
  );

  test.each<Partial<RowKernel>>([
    {
      encode: () => {
        throw new Error('the kernel failed');
      },
    },
    {
      end: () => {
        throw new Error('the kernel failed');
      },
    },
    { pending: Promise.reject(new Error('the kernel failed')) },
  ])(
    'fails with what the kernel throws (%#)',
    async (changed) => {
      const { copy, send } = startEncoded(countingKernel(changed));
      send(copyOutResponse, rowsOf([row]), done);
      await expect(copy.toArray()).rejects.toThrow('the kernel failed');
      await expect(copy.serverRowCount).rejects.toThrow('the kernel failed');
    },
    deadlineMs,
  );

  test(
    'gives the kernel no rows while it has to wait, and the driver nothing before it is done',
    async () => {
      const works: PromiseWithResolvers<void>[] = [];
      const begin = (): void => {
        works.push(Promise.withResolvers());
      };
      const { copy, rest, send } = startEncoded(
        countingKernel({
          get pending() {
            return works[0]?.promise;
          },
          end: begin,
        }),
      );
      begin();
      send(copyOutResponse, rowsOf([row]));
      await turn();
      send(rowsOf([row, row]), done, commandComplete(3));
      await turn();
      expect(copy.rowCount).toBe(0);
      works.shift()?.resolve();
      await turn();
      expect([copy.rowCount, rest.length]).toEqual([3, 0]);
      works.shift()?.resolve();
      expect(await copy.toArray()).toEqual([]);
      expect(Buffer.concat(rest).equals(Buffer.concat([done, commandComplete(3)]))).toBe(true);
    },
    deadlineMs,
  );
});
