import { promisify } from 'node:util';
import { constants, gzip, gzipSync, zstdCompressSync } from 'node:zlib';
import snappy from 'snappyjs';
import type { ExportRequest } from '../../contracts/export-request.ts';
import { freeBuffer } from '../../runtime/free-buffer.ts';
import { memoryLimits } from '../../runtime/memory-budget.ts';
import { ZstdCompressor } from './zstd-compressor.ts';

/** How pages are compressed; each page is compressed separately. */
export interface Codec {
  /** `enum CompressionCodec` of parquet.thrift. */
  id: number;
  /** Returns bytes that share no buffer with the page, because the buffer of the page is reused. */
  compress(page: Buffer): Promise<Buffer>;
  /** Frees what `compress` has returned, and what shares its memory, after the last use of both; otherwise the collector does. */
  release?(compressed: Buffer): void;
  /** Returns how many bytes `compress` would return of a small page. */
  sizeOf(page: Uint8Array): number;
}

const gzipAsync = promisify(gzip);
const zstd = new ZstdCompressor();

/** Bytes per output buffer of gzip: larger ones stay mostly empty, smaller ones need more runs in Node's thread pool. */
const chunkSize = memoryLimits.gzipOutputBytes;

const gzipOptions = { level: 4, chunkSize };
const zstdOptions = { chunkSize, params: { [constants.ZSTD_c_compressionLevel]: 1 } };

function sizeWithZstd(page: Uint8Array): number {
  const { buffer, length } = zstdCompressSync(page, zstdOptions);
  freeBuffer(buffer, chunkSize);
  return length;
}

const codecs: Record<ExportRequest['compression'], Codec> = {
  none: { id: 0, compress: async (page) => Buffer.from(page), sizeOf: ({ length }) => length },
  snappy: {
    id: 1,
    compress: async (page) => Buffer.from(snappy.compress(page)),
    sizeOf: (page) => snappy.compress(page).length,
  },
  gzip: {
    id: 2,
    compress: (page) => gzipAsync(page, gzipOptions),
    sizeOf: (page) => gzipSync(page, gzipOptions).length,
  },
  zstd: {
    id: 6,
    compress: (page) => zstd.compress(page),
    release: (frame) => zstd.release(frame),
    sizeOf: sizeWithZstd,
  },
};

export const codecOf = (name: ExportRequest['compression']): Codec => codecs[name];
