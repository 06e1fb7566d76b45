import type { ExportRequest } from '../../contracts/export-request.ts';
import type { BinaryRow } from '../../sources/copy/binary-parser.ts';
import { codecOf } from './codecs.ts';
import { ColumnChunkWriter, pagesOf } from './column-chunk.ts';
import { PageCompressor, type ParquetSizes } from './data-page.ts';
import { chunkPlaceOf, type RowGroup } from './row-groups.ts';
import type { FileColumn } from './schema.ts';
import { toRowError } from './unsupported-value.ts';

/** Writes the row groups of a segment. It needs the memory of one. */
export class RowGroupWriter {
  readonly columns: readonly ColumnChunkWriter[];
  readonly compressor: PageCompressor;
  /** The row groups that have ended, with offsets from the start of the first one. */
  readonly groups: RowGroup[] = [];
  #offset = 0;

  constructor(
    columns: readonly FileColumn[],
    compression: ExportRequest['compression'],
    sizes: ParquetSizes,
  ) {
    this.compressor = new PageCompressor(codecOf(compression));
    this.columns = columns.map((column) => new ColumnChunkWriter(column, this.compressor, sizes));
  }

  /** Appends a row. An error has its `number`, which is that of the row in the segment. */
  append(row: BinaryRow, number: number): void {
    for (const [n, column] of this.columns.entries()) {
      try {
        column.append(row, n);
      } catch (error) {
        throw toRowError(error, number, column.name);
      }
    }
  }

  /** Ends the row group, and yields its bytes. They are not used here any more when the next ones are asked for. */
  async *endGroup(): AsyncGenerator<Buffer> {
    const group: RowGroup = { rows: 0, chunks: [] };
    for (const [n, column] of this.columns.entries()) {
      const chunk = await column.finish();
      const { rows } = chunk;
      if (n > 0 && rows !== group.rows)
        throw new Error(`column ${column.name} has ${rows} rows; the row group has ${group.rows}`);
      group.rows = rows;
      // Before the pages are passed on: then their buffers may be freed.
      const place = chunkPlaceOf(chunk, this.#offset);
      group.chunks.push(place);
      this.#offset += place.bytes;
      for (const { header, body } of pagesOf(chunk)) {
        yield header;
        yield body;
      }
    }
    this.groups.push(group);
  }

  /** Throws if the row groups have another number of rows. */
  checkRows(rows: number): void {
    const encodedRows = this.groups.reduce((total, group) => total + group.rows, 0);
    if (encodedRows !== rows)
      throw new Error(`${rows} rows were read, but ${encodedRows} are in the file`);
  }
}
