import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import snappy from 'snappyjs';
import type { ExportRequest } from '../../contracts/export-request.ts';
import { ZstdFrames } from './zstd-frames.ts';

/** How pages are compressed, each on its own. */
export interface Codec {
  /** `enum CompressionCodec` of parquet.thrift. */
  id: number;
  /** Gives bytes of their own: those of the page are used again. */
  compress(page: Buffer): Promise<Buffer>;
}

const gzipped = promisify(gzip);
const zstd = new ZstdFrames();

/** What comes out is gathered in chunks: larger ones are mostly empty, smaller ones more turns through the pool. */
const chunkSize = 128 * 1_024;

const codecs: Record<ExportRequest['compression'], Codec> = {
  none: { id: 0, compress: async (page) => Buffer.from(page) },
  snappy: { id: 1, compress: async (page) => Buffer.from(snappy.compress(page)) },
  gzip: { id: 2, compress: (page) => gzipped(page, { level: 4, chunkSize }) },
  zstd: { id: 6, compress: (page) => zstd.compress(page) },
};

export const codecOf = (name: ExportRequest['compression']): Codec => codecs[name];
