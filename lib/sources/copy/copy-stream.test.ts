import { PassThrough } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import pg from 'pg';
import { CopyOut, piecesToSpare } from './copy-out.ts';

/** A message of PostgreSQL's protocol. */
function message(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.write(type, 'latin1');
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

const begun = message('H', Buffer.from([0, 0, 0]));
const done = message('c', Buffer.alloc(0));
const told = (rows: number): Buffer => message('C', Buffer.from(`COPY ${rows}\0`));
const rowsOf = (rows: readonly Uint8Array[]): Buffer =>
  Buffer.concat(rows.map((row) => message('d', Buffer.from(row))));

/** A connection on which the server says all this, in these pieces; and what of it the driver is given. */
async function received(
  pieces: readonly Buffer[],
): Promise<{ bytes: Buffer; frames: number; rest: Buffer }> {
  const stream = new PassThrough();
  const rest: Buffer[] = [];
  stream.on('data', (bytes: Buffer) => rest.push(bytes));
  const connection = new pg.Connection({ stream: () => stream });
  connection.query = () => undefined;
  const copy = new CopyOut('copy something to stdout');
  copy.submit(connection);
  for (const piece of pieces) stream.write(piece);
  const bytes: Buffer[] = [];
  for await (const piece of copy) bytes.push(piece);
  await new Promise((resolve) => setImmediate(resolve));
  return { bytes: Buffer.concat(bytes), frames: copy.frames, rest: Buffer.concat(rest) };
}

const cutAt = (bytes: Buffer, places: readonly number[]): Buffer[] => {
  const ends = [...places.map((it) => it % (bytes.length + 1)), bytes.length].toSorted(
    (a, b) => a - b,
  );
  return ends.map((end, n) => bytes.subarray(ends[n - 1] ?? 0, end)).filter((it) => it.length > 0);
};

describe('the rows of a COPY', () => {
  const rows = ['1,one\n', '', '2,"two\nlines"\n', `3,${'x'.repeat(60)}\n`].map((it) =>
    Buffer.from(it),
  );
  const notice = message('N', Buffer.from('SNOTICE\0\0'));
  const sent = Buffer.concat([
    begun,
    rowsOf(rows.slice(0, 2)),
    notice,
    rowsOf(rows.slice(2)),
    done,
    told(4),
  ]);

  test('are the same wherever the bytes are cut; what is behind them is the driver’s', async () => {
    for (let first = 0; first <= sent.length; first++) {
      const { bytes, frames, rest } = await received(cutAt(sent, [first]));
      expect(bytes.toString()).toBe(Buffer.concat(rows).toString());
      expect(frames).toBe(4);
      expect(rest.equals(Buffer.concat([done, told(4)]))).toBe(true);
    }
    const single = [...sent].map((byte) => Buffer.from([byte]));
    expect((await received(single)).bytes.toString()).toBe(Buffer.concat(rows).toString());
  });

  test('are all there before the server has told how many they are', async () => {
    const stream = new PassThrough();
    stream.on('data', () => undefined);
    const connection = new pg.Connection({ stream: () => stream });
    connection.query = () => undefined;
    const copy = new CopyOut('copy something to stdout');
    copy.submit(connection);
    stream.write(Buffer.concat([begun, rowsOf(rows), done]));
    for await (const piece of copy) expect(piece.length).toBeGreaterThan(0);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(copy.destroyed).toBe(true);
    copy.handleCommandComplete({ text: 'COPY 4' });
    copy.handleReadyForQuery();
    await expect(copy.told).resolves.toBe(4);
  });

  test('come in the buffers that are used again, however many of them wait', async () => {
    const stream = new PassThrough();
    stream.on('data', () => undefined);
    const connection = new pg.Connection({ stream: () => stream });
    connection.query = () => undefined;
    const spare = piecesToSpare();
    const copy = new CopyOut('copy something to stdout', { spare, ahead: 100 });
    copy.submit(connection);
    const row = Buffer.alloc(1_000, 'x');
    stream.write(Buffer.concat([begun, rowsOf(Array.from({ length: 5_000 }, () => row)), done]));
    await new Promise((resolve) => setTimeout(resolve, 50));
    let length = 0;
    for await (const piece of copy) {
      expect(spare.isOne(piece)).toBe(true);
      length += piece.length;
    }
    expect(length).toBe(5_000_000);
  });

  test('of any lengths come whole, in pieces of any lengths', async () => {
    const row = fc.oneof(
      fc.uint8Array({ maxLength: 100 }),
      fc.nat(600_000).map((length) => new Uint8Array(length).fill(length % 251)),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(row, { maxLength: 8 }), fc.array(fc.nat()), async (all, places) => {
        const whole = Buffer.concat([begun, rowsOf(all), done, told(all.length)]);
        const { bytes, frames } = await received(cutAt(whole, places));
        expect(bytes.equals(Buffer.concat(all))).toBe(true);
        expect(frames).toBe(all.length);
      }),
      { numRuns: 60 },
    );
  });
});
