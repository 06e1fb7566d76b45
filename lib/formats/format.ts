import type { ExportRequest } from '../contracts/export-request.ts';
import type { SourceColumn } from '../sources/datasets.ts';
import type { Selection } from '../sources/query.ts';

/**
 * One file format. A file is
 *
 *   prologue, then for each unit its encoded rows (with glue before them), then epilogue
 *
 * so that units can be made side by side, by different workers, and put together without being read
 * again. A unit never writes a header, a bracket or a comma around its rows.
 */
export interface Format {
  extension: string;
  contentType: string;
  /** The COPY statement whose output the encoder takes. */
  copy(selection: Selection): string;
  /** What stands before the first row. Nothing else writes a header. */
  prologue(columns: readonly SourceColumn[]): Buffer;
  /** A fresh encoder, for one unit. The compression is for a format that compresses inside its files. */
  encoder(columns: readonly SourceColumn[], compression: ExportRequest['compression']): Encoder;
  /** What stands before the rows of a unit that has rows; `rowsBefore`: some unit before it has any. */
  glue(rowsBefore: boolean): Buffer;
  /** What stands behind the last row. */
  epilogue(): Buffer;
  /** The name, in the format's own terms, of what a column becomes. */
  fileType(column: SourceColumn): string;
  /** Which values of a column become NULL because the format has none for them; absent: none do. */
  policy?(column: SourceColumn): string | undefined;
}

/** Makes bytes of the file out of what COPY sends, in pieces cut anywhere, and counts the rows. */
export interface Encoder {
  /** Those that went in so far. */
  readonly rows: number;
  /** By column, how many values became NULL by the policy. */
  nulled?(): readonly number[];
  /** Ends when the source ends, with all of it; throws if that ended inside a row. */
  encode(source: AsyncIterable<Buffer>): AsyncIterable<Buffer>;
}

export const nothing = Buffer.alloc(0);
