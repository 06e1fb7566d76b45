import { constants, createZstdCompress, type ZstdCompress } from 'node:zlib';
import { freeBuffer } from '../../runtime/free-buffer.ts';
import { memoryLimits } from '../../runtime/memory-budget.ts';

/** Bytes per output buffer. */
const chunkSize = memoryLimits.zstdOutputBytes;

/**
 * Compresses each buffer into a zstd frame. Compressors are reused, because a new one for each page would allocate and
 * free 1.5 MB every time.
 */
export class ZstdCompressor {
  readonly #idle: ZstdCompress[] = [];
  /** The frames that are in use, by the output buffer that has them. */
  readonly #frames = new WeakMap<ArrayBufferLike, number>();
  /** Output buffers that no compressor writes to any more. */
  readonly #full = new WeakSet<ArrayBufferLike>();

  /** Returns the frame. The caller may reuse `bytes` once the promise resolves. */
  async compress(bytes: Buffer): Promise<Buffer> {
    const compressor = this.#idle.pop() ?? newCompressor();
    const output = await outputOf(compressor, bytes);
    // A compressor that failed is not reused.
    this.#idle.push(compressor);
    const frame = joined(output);
    this.#frames.set(frame.buffer, (this.#frames.get(frame.buffer) ?? 0) + 1);
    for (const { buffer, byteOffset, length } of output) {
      if (byteOffset + length !== buffer.byteLength) continue;
      this.#full.add(buffer);
      this.#freeIfUnused(buffer);
    }
    return frame;
  }

  /** Frees the memory of a frame that is not used any more, once that is so of all frames in its output buffer. */
  release({ buffer }: Buffer): void {
    const frames = this.#frames.get(buffer);
    if (frames === undefined) return;
    if (frames > 1) this.#frames.set(buffer, frames - 1);
    else this.#frames.delete(buffer);
    this.#freeIfUnused(buffer);
  }

  #freeIfUnused(buffer: ArrayBufferLike): void {
    if (!this.#frames.has(buffer) && this.#full.delete(buffer)) freeBuffer(buffer, chunkSize);
  }
}

/** Every write is a frame: ending it by a flush would be a second run in Node's thread pool. */
const newCompressor = (): ZstdCompress =>
  createZstdCompress({
    chunkSize,
    flush: constants.ZSTD_e_end,
    params: { [constants.ZSTD_c_compressionLevel]: 1 },
  });

async function outputOf(compressor: ZstdCompress, bytes: Buffer): Promise<Buffer[]> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const output: Buffer[] = [];
  const collect = (chunk: Buffer): number => output.push(chunk);
  compressor.on('data', collect).on('error', reject);
  compressor.write(bytes, (error) => {
    if (!error) resolve();
  });
  await promise;
  // The last chunks may still be in the buffer of the stream.
  while (compressor.readableLength > 0) compressor.read();
  compressor.off('data', collect).off('error', reject);
  return output;
}

/** Returns the chunks as one buffer. They mostly follow each other in one output buffer: then none is copied. */
function joined(chunks: readonly Buffer[]): Buffer {
  const [first] = chunks;
  if (!first) return Buffer.alloc(0);
  let end = first.byteOffset;
  for (const { buffer, byteOffset, length } of chunks) {
    if (buffer !== first.buffer || byteOffset !== end) return Buffer.concat(chunks);
    end += length;
  }
  return Buffer.from(first.buffer, first.byteOffset, end - first.byteOffset);
}
