import type { ExportRequest } from '../../contracts/export-request.ts';
import { CopyBinaryParser } from '../../sources/copy/binary-parser.ts';
import type { Encoder } from '../format.ts';
import { codecOf } from './codecs.ts';
import { ColumnChunkWriter, pagesOf } from './column-chunk.ts';
import { defaultSizes, PageCompressor, type ParquetSizes } from './data-page.ts';
import { chunkPlaceOf, type RowGroup } from './row-groups.ts';
import type { FileColumn } from './schema.ts';
import { toRowError } from './unsupported-value.ts';

/**
 * Encodes the row groups of a Parquet file from COPY's binary format. The bytes of values are rearranged and never
 * become JavaScript numbers, so no value is rounded. It needs the memory of one row group.
 * https://parquet.apache.org/docs/file-format/
 */
export class ParquetEncoder implements Encoder {
  rows = 0;
  readonly #compressor: PageCompressor;
  readonly #columns: ColumnChunkWriter[];
  readonly #rowGroupBytes: number;
  readonly #groups: RowGroup[] = [];
  #offset = 0;

  constructor(
    columns: readonly FileColumn[],
    compression: ExportRequest['compression'],
    sizes: Partial<ParquetSizes> = {},
  ) {
    const all = { ...defaultSizes, ...sizes };
    this.#compressor = new PageCompressor(codecOf(compression));
    this.#columns = columns.map((column) => new ColumnChunkWriter(column, this.#compressor, all));
    this.#rowGroupBytes = all.rowGroupBytes;
  }

  /** Returns for each column how many values are NULL in the file but not in the source. */
  nulled(): number[] {
    return this.#columns.map(({ nulled }) => nulled);
  }

  /** Returns the row groups, with offsets from the start of the first one. */
  metadata(): readonly RowGroup[] {
    return this.#groups;
  }

  async *encode(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    const parser = new CopyBinaryParser(this.#columns.length);
    let groupStart = 0;
    for await (const chunk of source) {
      parser.push(chunk);
      while (parser.next()) {
        this.#append(parser);
        if (parser.rowBytes - groupStart < this.#rowGroupBytes) continue;
        yield* this.#rowGroup();
        groupStart = parser.rowBytes;
      }
      await this.#compressor.waitForCapacity();
    }
    parser.end();
    if (parser.rowBytes > groupStart) yield* this.#rowGroup();
    const encodedRows = this.#groups.reduce((total, { rows }) => total + rows, 0);
    if (encodedRows !== this.rows)
      throw new Error(`${this.rows} rows were read, but ${encodedRows} are in the file`);
  }

  #append(row: CopyBinaryParser): void {
    this.rows++;
    for (const [n, column] of this.#columns.entries()) {
      try {
        column.append(row, n);
      } catch (error) {
        throw toRowError(error, this.rows, column.name);
      }
    }
  }

  async *#rowGroup(): AsyncGenerator<Buffer> {
    const group: RowGroup = { rows: 0, chunks: [] };
    for (const [n, column] of this.#columns.entries()) {
      const chunk = await column.finish();
      const { rows } = chunk;
      if (n > 0 && rows !== group.rows)
        throw new Error(`column ${column.name} has ${rows} rows; the row group has ${group.rows}`);
      group.rows = rows;
      const offset = this.#offset;
      for (const { header, body } of pagesOf(chunk)) {
        yield header;
        yield body;
        this.#offset += header.length + body.length;
      }
      group.chunks.push(chunkPlaceOf(chunk, offset));
    }
    this.#groups.push(group);
  }
}
