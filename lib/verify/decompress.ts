import { pipeline, Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { createGunzip, createZstdDecompress, type ZstdDecompress } from 'node:zlib';
import type { Stated } from './inputs.ts';

/** What is in a file, all members or frames of it. Throws when it ends inside one, or has other bytes. */
export async function* decompress(
  source: AsyncGenerator<Buffer>,
  compression: Stated['request']['compression'],
): AsyncGenerator<Buffer> {
  switch (compression) {
    case 'none':
      yield* source;
      return;
    case 'gzip':
      // It goes on with the next member by itself, and refuses what is none.
      yield* pipeline(Readable.from(source), createGunzip(), () => undefined);
      return;
    case 'zstd':
      yield* frames(source);
      return;
    case 'snappy':
      throw new Error('snappy is for the inside of Parquet');
    default:
      compression satisfies never;
  }
}

/**
 * Node's decoder ends without an error behind a frame, and does not look at the rest of what it was given: that is
 * the beginning of the next frame, for another decoder. (A frame that ends with a piece does not end the decoder.)
 */
async function* frames(source: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  let rest: Buffer | undefined = await nextOf(source);
  if (rest === undefined) throw new Error('unexpected end of file');
  while (rest !== undefined) {
    const decoder = createZstdDecompress();
    const feeding = feed(decoder, rest, source);
    // Its failure is that of the decoder, which whoever reads from that is told.
    feeding.catch(() => undefined);
    yield* decoder;
    rest = await feeding;
  }
}

/** → what the decoder left, having come to the end of a frame; undefined: nothing is left at all. */
async function feed(
  decoder: ZstdDecompress,
  first: Buffer,
  source: AsyncGenerator<Buffer>,
): Promise<Buffer | undefined> {
  const ended = finished(decoder, { writable: false });
  ended.catch(() => undefined);
  for (let piece: Buffer | undefined = first; piece; piece = await nextOf(source)) {
    const before = decoder.bytesWritten;
    await Promise.race([ended, written(decoder, piece)]);
    const taken = decoder.bytesWritten - before;
    if (taken < piece.length) return piece.subarray(taken);
  }
  decoder.end();
  return undefined;
}

const written = (decoder: ZstdDecompress, piece: Buffer): Promise<void> =>
  new Promise((done, failed) => {
    decoder.write(piece, (error) => (error ? failed(error) : done()));
  });

async function nextOf(source: AsyncGenerator<Buffer>): Promise<Buffer | undefined> {
  const next = await source.next();
  return next.done === true ? undefined : next.value;
}
