import { pipeline, Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { createGunzip, createZstdDecompress, type ZstdDecompress } from 'node:zlib';
import type { ParsedManifest } from './inputs.ts';

/** Yields the content of all members or frames of a file. Throws if the file ends inside one or has other bytes. */
export async function* decompress(
  source: AsyncGenerator<Buffer>,
  compression: ParsedManifest['request']['compression'],
): AsyncGenerator<Buffer> {
  switch (compression) {
    case 'none':
      yield* source;
      return;
    case 'gzip':
      // Node continues with the next member by itself, and fails on bytes that are not a member.
      yield* pipeline(Readable.from(source), createGunzip(), () => undefined);
      return;
    case 'zstd':
      yield* frames(source);
      return;
    case 'snappy':
      throw new Error('only Parquet pages are compressed with snappy, not a file');
    default:
      compression satisfies never;
  }
}

/**
 * Yields the content of zstd frames. Node's decoder ends after a frame and ignores the rest of its input, which is the
 * start of the next frame, for another decoder. (If a frame ends exactly with a chunk, the decoder does not end.)
 */
async function* frames(source: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  let rest: Buffer | undefined = await nextOf(source);
  if (rest === undefined) throw new Error('unexpected end of file');
  while (rest !== undefined) {
    const decoder = createZstdDecompress();
    const feeding = feed(decoder, rest, source);
    // The loop over the decoder throws the error: that of the decoder itself, or of the source.
    feeding.catch((error: unknown) => decoder.destroy(asError(error)));
    yield* decoder;
    rest = await feeding;
  }
}

/** Feeds the decoder until its frame ends. Returns the rest of the chunk; undefined: the source has ended. */
async function feed(
  decoder: ZstdDecompress,
  first: Buffer,
  source: AsyncGenerator<Buffer>,
): Promise<Buffer | undefined> {
  const ended = finished(decoder, { writable: false });
  ended.catch(() => undefined);
  for (let chunk: Buffer | undefined = first; chunk; chunk = await nextOf(source)) {
    const before = decoder.bytesWritten;
    await Promise.race([ended, writeChunk(decoder, chunk)]);
    const consumed = decoder.bytesWritten - before;
    if (consumed < chunk.length) return chunk.subarray(consumed);
  }
  decoder.end();
  return undefined;
}

const asError = (cause: unknown): Error =>
  cause instanceof Error ? cause : new Error('the file cannot be read', { cause });

const writeChunk = (decoder: ZstdDecompress, chunk: Buffer): Promise<void> =>
  new Promise((resolve, reject) => {
    decoder.write(chunk, (error) => (error ? reject(error) : resolve()));
  });

async function nextOf(source: AsyncGenerator<Buffer>): Promise<Buffer | undefined> {
  const next = await source.next();
  return next.done === true ? undefined : next.value;
}
