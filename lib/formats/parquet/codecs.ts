import { promisify } from 'node:util';
import { constants, gzip, zstdCompress } from 'node:zlib';
import snappy from 'snappyjs';
import type { ExportRequest } from '../../contracts/export-request.ts';

/** How pages are compressed, each on its own. */
export interface Codec {
  /** `enum CompressionCodec` of parquet.thrift. */
  id: number;
  compress(page: Buffer): Promise<Buffer>;
}

const gzipped = promisify(gzip);
const zstd = promisify(zstdCompress);

/** What is given back is a small part of a large buffer, which would be held for as long as the page waits. */
const alone = (compressed: Buffer): Buffer => Buffer.from(compressed);

/** In one go: each chunk of what comes out is another turn through the thread pool. */
const inOneGo = (page: Buffer): number => page.length + (page.length >> 4) + 1_024;

const codecs: Record<ExportRequest['compression'], Codec> = {
  none: { id: 0, compress: async (page) => page },
  snappy: { id: 1, compress: async (page) => Buffer.from(snappy.compress(page)) },
  gzip: {
    id: 2,
    compress: async (page) => alone(await gzipped(page, { level: 4, chunkSize: inOneGo(page) })),
  },
  zstd: {
    id: 6,
    compress: async (page) =>
      alone(
        await zstd(page, {
          chunkSize: inOneGo(page),
          params: { [constants.ZSTD_c_compressionLevel]: 1 },
        }),
      ),
  },
};

export const codecOf = (name: ExportRequest['compression']): Codec => codecs[name];
