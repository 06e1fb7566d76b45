import type { Transform } from 'node:stream';
import { constants, createGzip, createZstdCompress } from 'node:zlib';
import type { ExportRequest } from '../contracts/export-request.ts';

/**
 * How a file is compressed. Every piece of a file that is made on its own (each unit, what is between and
 * behind them) is a member or frame of its own: put behind each other they are one valid file.
 * https://www.rfc-editor.org/rfc/rfc1952#section-2.2 · https://www.rfc-editor.org/rfc/rfc8878#section-3
 */
export interface Compression {
  /** Behind the extension of the format, with its dot. */
  extension: string;
  /** Null: the type is that of the format. */
  contentType: string | null;
  /** A fresh compressor for one member; null if there is nothing to do. */
  member: (() => Transform) | null;
}

const compressions: Record<Exclude<ExportRequest['compression'], 'snappy'>, Compression> = {
  none: { extension: '', contentType: null, member: null },
  gzip: {
    extension: '.gz',
    contentType: 'application/gzip',
    // The level at which it costs about as much as PostgreSQL needs to send the rows.
    member: () => createGzip({ level: 4, chunkSize: 256 * 1_024 }),
  },
  zstd: {
    extension: '.zst',
    contentType: 'application/zstd',
    member: () =>
      createZstdCompress({
        chunkSize: 256 * 1_024,
        params: {
          // Of rows of numbers and times no larger than at the default of 3, in half of the time.
          [constants.ZSTD_c_compressionLevel]: 1,
          [constants.ZSTD_c_checksumFlag]: 1,
        },
      }),
  },
};

/** A Parquet file is compressed on the inside, and looks the same whatever is used there. */
export const compressionOf = ({
  format,
  compression,
}: Pick<ExportRequest, 'format' | 'compression'>): Compression =>
  format === 'parquet' || compression === 'snappy' ? compressions.none : compressions[compression];
