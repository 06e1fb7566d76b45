import { constants, createZstdCompress, type ZstdCompress } from 'node:zlib';
import { memoryLimits } from '../../runtime/memory-budget.ts';

/** Bytes per output buffer. */
const chunkSize = memoryLimits.zstdOutputBytes;

/**
 * Compresses each buffer into a zstd frame. Compressors are reused, because a new one for each page would allocate and
 * free 1.5 MB every time.
 */
export class ZstdCompressor {
  readonly #idle: ZstdCompress[] = [];

  /** Returns the frame. The caller may reuse `bytes` once the promise resolves. */
  async compress(bytes: Buffer): Promise<Buffer> {
    const compressor = this.#idle.pop() ?? newCompressor();
    const frame = await frameOf(compressor, bytes);
    // A compressor that failed is not reused.
    this.#idle.push(compressor);
    return frame;
  }
}

const newCompressor = (): ZstdCompress =>
  createZstdCompress({ chunkSize, params: { [constants.ZSTD_c_compressionLevel]: 1 } });

async function frameOf(compressor: ZstdCompress, bytes: Buffer): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const output: Buffer[] = [];
  const collect = (chunk: Buffer): number => output.push(chunk);
  compressor.on('data', collect).on('error', reject);
  compressor.write(bytes);
  compressor.flush(constants.ZSTD_e_end, resolve);
  await promise;
  // The last chunks may still be in the buffer of the stream.
  while (compressor.readableLength > 0) compressor.read();
  compressor.off('data', collect).off('error', reject);
  return output.length === 1 && output[0] ? output[0] : Buffer.concat(output);
}
