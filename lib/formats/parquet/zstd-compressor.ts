import { constants, createZstdCompress, type ZstdCompress } from 'node:zlib';

/** What comes out is gathered in buffers of this size, one after the other. */
const chunkSize = 1_024 * 1_024;

/**
 * Compresses buffers with zstd, each into a frame of its own, with compressors that go on from one to the next:
 * a new one for each would take a megabyte and a half from the system, and give it back, for every page.
 */
export class ZstdFrames {
  readonly #idle: ZstdCompress[] = [];

  /** The bytes may be used again when it has resolved. */
  async compress(bytes: Buffer): Promise<Buffer> {
    const compressor = this.#idle.pop() ?? started();
    const frame = await frameOf(compressor, bytes);
    // One that failed is left to be collected.
    this.#idle.push(compressor);
    return frame;
  }
}

const started = (): ZstdCompress =>
  createZstdCompress({ chunkSize, params: { [constants.ZSTD_c_compressionLevel]: 1 } });

async function frameOf(compressor: ZstdCompress, bytes: Buffer): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const made: Buffer[] = [];
  const take = (piece: Buffer): number => made.push(piece);
  compressor.on('data', take).on('error', reject);
  compressor.write(bytes);
  compressor.flush(constants.ZSTD_e_end, resolve);
  await promise;
  // What came out last may not have been handed on yet.
  while (compressor.readableLength > 0) compressor.read();
  compressor.off('data', take).off('error', reject);
  return made.length === 1 && made[0] ? made[0] : Buffer.concat(made);
}
