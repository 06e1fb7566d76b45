import { Readable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { SpareBuffers } from '../../runtime/spare-buffers.ts';
import { formatOf } from '../index.ts';
import { copyBytes, int64 } from '../parquet/copy-bytes.ts';
import { EncoderBeside } from './encoder.ts';
import type { Job } from './messages.ts';

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
  copyBytes(Array.from({ length: count }, (_, n) => [int64(BigInt(n)), null]));
const spare = new SpareBuffers(1_000, 4);
const never = { signal: new AbortController().signal, spare };

async function all(pieces: AsyncIterable<Buffer>): Promise<Buffer> {
  const made: Buffer[] = [];
  for await (const piece of pieces) made.push(piece);
  return Buffer.concat(made);
}

describe('an encoder beside', () => {
  test('makes what it makes here, and says the same of it', async () => {
    const bytes = rowsOf(50_000);
    const pieces = Array.from({ length: 100 }, (_, n) =>
      bytes.subarray((n * bytes.length) / 100, ((n + 1) * bytes.length) / 100),
    );
    const here = formatOf(parquet.request).encoder(parquet.columns, 'zstd');
    const wanted = await all(here.encode(Readable.from(pieces)));
    const beside = new EncoderBeside(parquet, never);
    const made = await all(beside.encode(Readable.from(pieces)));
    expect(made.equals(wanted)).toBe(true);
    expect(beside.rows).toBe(50_000);
    expect(beside.fragment()).toEqual(here.fragment?.());
    expect(beside.nulled()).toEqual(here.nulled?.());
  });

  test('is used again for the next, of another format, too', async () => {
    for (let n = 0; n < 3; n++) {
      const beside = new EncoderBeside(xlsx, never);
      const made = await all(beside.encode(Readable.from([Buffer.from('a\nb\n')])));
      expect(made.subarray(0, 2).toString()).toBe('PK');
      expect(beside.rows).toBe(2);
    }
  });

  test('is given pieces that are used again when it has taken them, whatever it has of them', async () => {
    const lines = Buffer.from('a text of some length\n'.repeat(20_000));
    async function* cut(): AsyncGenerator<Buffer> {
      for (let at = 0; at < lines.length; at += 1_000) {
        const piece = spare.take();
        lines.copy(piece, 0, at);
        yield piece.subarray(0, Math.min(1_000, lines.length - at));
      }
    }
    const beside = new EncoderBeside(xlsx, never);
    await all(beside.encode(cut()));
    expect(beside.rows).toBe(20_000);
  });

  test('says what it cannot hold, and of which row', async () => {
    const long = Buffer.from(`short\n${'x'.repeat(32_768)}\n`);
    const made = all(new EncoderBeside(xlsx, never).encode(Readable.from([long])));
    await expect(made).rejects.toMatchObject({
      name: 'UnfitRow',
      code: 'cell_too_long',
      row: 2,
      said: { before: 'Row ', behind: expect.stringContaining('in the column text') },
    });
  });

  test('fails with its source, and when the source ends inside a row', async () => {
    const bytes = rowsOf(10);
    const cut = all(
      new EncoderBeside(parquet, never).encode(Readable.from([bytes.subarray(0, 40)])),
    );
    await expect(cut).rejects.toThrow('inside a row');
    const broken = Readable.from(
      (function* () {
        yield bytes.subarray(0, 40);
        throw new Error('the source is gone');
      })(),
    );
    const made = all(new EncoderBeside(parquet, never).encode(broken));
    await expect(made).rejects.toThrow('the source is gone');
  });

  test('ends by the signal, whether anybody takes what it makes or not', async () => {
    const stop = new AbortController();
    const endless = Readable.from(
      (function* () {
        for (;;) yield Buffer.from(`${'x'.repeat(1_000)}\n`.repeat(100));
      })(),
    );
    const pieces = new EncoderBeside(xlsx, { signal: stop.signal, spare }).encode(endless);
    setTimeout(() => stop.abort(new Error('not wanted')), 200);
    await expect(all(pieces)).rejects.toThrow('not wanted');
    const aside = new AbortController();
    const untaken = new EncoderBeside(xlsx, { signal: aside.signal, spare }).encode(
      Readable.from([Buffer.from('a\n')]),
    );
    aside.abort(new Error('not wanted either'));
    await expect(all(untaken)).rejects.toThrow('not wanted either');
  });
});
