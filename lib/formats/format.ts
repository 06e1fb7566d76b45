import type { SourceColumn } from '../sources/datasets.ts';
import type { Selection } from '../sources/query.ts';

/** One file format. What the server can write itself is passed through as it comes. */
export interface Format {
  extension: string;
  contentType: string;
  /** The COPY statement whose output is the body of the file. */
  copy(selection: Selection): string;
  /** What stands before the first row. Nothing else writes a header. */
  prologue(columns: readonly SourceColumn[]): Buffer;
  /** The name, in the format's own terms, of what a column becomes. */
  fileType(column: SourceColumn): string;
  /** Counts the rows in the body as it passes, in pieces cut anywhere. */
  counter(): RowCounter;
}

export interface RowCounter {
  readonly rows: number;
  push(piece: Buffer): void;
  /** Throws if the body ended inside a row. */
  end(): void;
}
