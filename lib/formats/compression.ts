import type { Transform } from 'node:stream';
import { constants, createGzip, createZstdCompress } from 'node:zlib';
import type { ExportRequest } from '../contracts/export-request.ts';
import { compressionExtensions, fileCompressionOf } from '../contracts/format-capabilities.ts';
import { freeBuffer } from '../runtime/free-buffer.ts';

/**
 * How a file is compressed. Whatever is compressed separately (each unit output, the separators, the footer) is a
 * gzip member or a zstd frame of its own; concatenated, they are one valid file.
 * https://www.rfc-editor.org/rfc/rfc1952#section-2.2 · https://www.rfc-editor.org/rfc/rfc8878#section-3
 */
export interface Compression {
  /** Follows the extension of the format; includes its dot. */
  extension: string;
  /** Null: the content type of the format applies. */
  contentType: string | null;
  /** Returns a new compressor for one member or frame; null: the file is not compressed. */
  createStream: (() => Transform) | null;
}

/** Bytes of the buffers that the compressors fill, one after the other. */
const outputBytes = 256 * 1_024;

const compressions: Record<keyof typeof compressionExtensions, Compression> = {
  none: { extension: compressionExtensions.none, contentType: null, createStream: null },
  gzip: {
    extension: compressionExtensions.gzip,
    contentType: 'application/gzip',
    // At level 4 gzip needs about as much time as PostgreSQL needs to send the rows.
    createStream: () => createGzip({ level: 4, chunkSize: outputBytes }),
  },
  zstd: {
    extension: compressionExtensions.zstd,
    contentType: 'application/zstd',
    createStream: () =>
      createZstdCompress({
        chunkSize: outputBytes,
        params: {
          // Rows of numbers and times are no larger than at the default level 3, in half the time.
          [constants.ZSTD_c_compressionLevel]: 1,
          // Its tables and the last 128 KiB of the text stay in the cache of a core: a sixth to a tenth less time than with
          // the 512 KiB of level 1, and files of about the same size.
          [constants.ZSTD_c_windowLog]: 17,
          [constants.ZSTD_c_checksumFlag]: 1,
        },
      }),
  },
};

/** Returns the compression of the whole file. For Parquet this is `none`, because its pages are compressed. */
export const compressionOf = (
  request: Pick<ExportRequest, 'format' | 'compression'>,
): Compression => compressions[fileCompressionOf(request)];

/**
 * Passes the output of a compressor on. The consumer is done with a chunk when it asks for the next one: then the buffer
 * that ends with the chunk is freed.
 */
export async function* freeUsedOutput(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    yield chunk;
    const { buffer, byteOffset, length } = chunk;
    if (byteOffset + length === outputBytes) freeBuffer(buffer, outputBytes);
  }
}
