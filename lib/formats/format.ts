import type { ExportRequest } from '../contracts/export-request.ts';
import type { KernelPlan } from '../kernels/row-kernel.ts';
import type { CopyEncoding } from '../sources/copy/hash-fields.ts';
import type { SourceColumn } from '../sources/datasets.ts';
import type { Selection } from '../sources/query.ts';

type Compression = ExportRequest['compression'];

/**
 * One file format. A file is
 *
 *   header, then for each segment its encoded rows (with a separator before them), then footer
 *
 * so that segments can be encoded in parallel, by readers of one worker or by different workers, and concatenated
 * without being decoded. A segment contains no header, and no bracket or comma around its rows.
 */
export interface Format {
  extension: string;
  contentType: string;
  /** Pages of a table in one page range when several readers work in parallel; null: one reader reads the table. */
  pagesPerRange: number | null;
  /** The largest number of readers for which the memory is planned; absent: as many as a source has. */
  maxReaders?: number;
  /** Whether the encoder is slow enough to run in a worker thread. */
  encodesInWorker: boolean;
  /** Whether the file is text before it is compressed. */
  isText: boolean;
  /** Returns the COPY statement whose output the encoder reads. */
  copy(selection: Selection): string;
  /** How this COPY writes the fields of a row. */
  copyEncoding: CopyEncoding;
  /** Returns the bytes before the first row. Nothing else writes a header. */
  header(columns: readonly Pick<SourceColumn, 'name'>[]): Buffer;
  /** Returns a new encoder for one segment. Only a format that compresses inside its files uses `compression`. */
  encoder(columns: readonly SourceColumn[], compression: Compression): Encoder;
  /** Bytes that kernels of the format need in the memory of a connection; 0: it has no kernel. */
  kernelBytes: number;
  /**
   * Returns how a kernel encodes these columns on the thread that reads, in place of `encoder`; undefined if none can.
   * No column is one whose values are hashed.
   */
  kernel?(columns: readonly SourceColumn[], compression: Compression): KernelPlan | undefined;
  /** Returns the bytes before a segment that has rows; `rowsBefore`: an earlier segment has rows, too. */
  separator(rowsBefore: boolean): Buffer;
  /** Returns the bytes after the last row. */
  footer(file: FileSummary): Buffer;
  /** Returns the type of a column in the file, named in the terms of the format. */
  fileType(column: SourceColumn): string;
  /** Returns which values of a column become NULL, because its type in the file cannot hold them. */
  nullPolicy?(column: SourceColumn): string | undefined;
  /**
   * Returns the rows of COPY's output, each value as a reader of the file sees it, null for NULL. Leaves out a last
   * row that is incomplete. Throws `UnencodableRowError` for a value that the format cannot hold.
   */
  preview(columns: readonly SourceColumn[], copyOutput: Buffer): PreviewValue[][];
}

/** What the footer of a file may contain about everything before it. */
export interface FileSummary {
  columns: readonly SourceColumn[];
  compression: Compression;
  /** The segments that have rows, in the order of the file. */
  segments: readonly { bytes: number; fragment: SegmentMetadata }[];
}

/**
 * What the footer has to contain about one segment. Only its format knows the type. It must survive JSON, because
 * another worker may write the footer.
 */
export type SegmentMetadata = unknown;

/** A value as text; null is NULL. */
export type PreviewValue = string | null;

/** Encodes COPY's output, in chunks cut anywhere, into the bytes of one segment. */
export interface Encoder {
  /** Rows read so far; absent if the encoder does not parse rows: then every row that was sent counts. */
  readonly rows?: number;
  /** Returns for each column how many of its values became NULL by `nullPolicy`. */
  nulled?(): readonly number[];
  /** Returns the metadata of the segment, once all of it is encoded; absent if the footer needs none. */
  metadata?(): SegmentMetadata;
  /**
   * Yields the encoded rows, and ends when the source ends. Throws if the source ends inside a row, and
   * `UnencodableRowError` for a value that the format cannot hold. A chunk is valid until the next one is requested.
   */
  encode(source: AsyncIterable<Buffer>): AsyncIterable<Buffer>;
}

export const emptyBuffer = Buffer.alloc(0);

/** Returns the encoder of a format whose rows are exactly what the server sends. */
export const passthroughEncoder = (): Encoder => ({ encode: (source) => source });
