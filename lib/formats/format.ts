import type { ExportRequest } from '../contracts/export-request.ts';
import type { SourceColumn } from '../sources/datasets.ts';
import type { Selection } from '../sources/query.ts';

type Compression = ExportRequest['compression'];

/**
 * One file format. A file is
 *
 *   prologue, then for each part its encoded rows (with glue before them), then epilogue
 *
 * so that parts can be made side by side, by readers of one worker or by different workers, and put
 * together without being read again. A part never writes a header, a bracket or a comma around its rows.
 */
export interface Format {
  extension: string;
  contentType: string;
  /** How many pages of a table make a part when several readers are at work side by side; null: one reads it. */
  pagesOfPart: number | null;
  /** Whether encoding takes so much time that it is done beside the thread that moves the bytes. */
  encodedBeside: boolean;
  /** The file is text before it is compressed. */
  isText: boolean;
  /** The COPY statement whose output the encoder takes. */
  copy(selection: Selection): string;
  /** What stands before the first row. Nothing else writes a header. */
  prologue(columns: readonly Pick<SourceColumn, 'name'>[]): Buffer;
  /** A fresh encoder, for one part. The compression is for a format that compresses inside its files. */
  encoder(columns: readonly SourceColumn[], compression: Compression): Encoder;
  /** What stands before the rows of a part that has rows; `rowsBefore`: some part before it has any. */
  glue(rowsBefore: boolean): Buffer;
  /** What stands behind the last row. */
  epilogue(file: Written): Buffer;
  /** The name, in the format's own terms, of what a column becomes. */
  fileType(column: SourceColumn): string;
  /** Which values of a column become NULL because the format has none for them; absent: none do. */
  policy?(column: SourceColumn): string | undefined;
  /**
   * The rows in what COPY sent, each value as a reader of the file has it, null where that has none. What
   * is cut off at the end is left out. Throws `UnfitRow` for what the format cannot hold.
   */
  show(columns: readonly SourceColumn[], copied: Buffer): Shown[][];
}

/** What the end of a file may have to tell of all that is before it. */
export interface Written {
  columns: readonly SourceColumn[];
  compression: Compression;
  /** Those that have rows, in the order of the file. */
  parts: readonly { bytes: number; fragment: Fragment }[];
}

/**
 * What of a part belongs into the end of the file. Only its format knows what it is; it can be JSON and come back
 * from that, for the end may be another worker's.
 */
export type Fragment = unknown;

/** A value in words. */
export type Shown = string | null;

/** Makes bytes of a part out of what COPY sends, in pieces cut anywhere. */
export interface Encoder {
  /** Rows that went in so far, if it takes them apart; if not, they are as many as were sent. */
  readonly rows?: number;
  /** By column, how many values became NULL by the policy. */
  nulled?(): readonly number[];
  /** When all is encoded; absent: the end of the file has nothing to say of its parts. */
  fragment?(): Fragment;
  /**
   * Ends when the source ends, with all of it; throws if that ended inside a row, and `UnfitRow` for what
   * the format cannot hold. A piece is its own until it asks for the next.
   */
  encode(source: AsyncIterable<Buffer>): AsyncIterable<Buffer>;
}

export const nothing = Buffer.alloc(0);

/** Of a format whose file is what the server sends. */
export const asItComes = (): Encoder => ({ encode: (source) => source });
