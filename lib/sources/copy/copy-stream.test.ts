import { PassThrough } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import pg from 'pg';
import { cutAt } from '../../formats/testing/copy-binary.ts';
import { CopyToStream, createChunkPool } from './copy-stream.ts';

/** Returns a message of PostgreSQL's protocol. */
function message(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.write(type, 'latin1');
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

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
