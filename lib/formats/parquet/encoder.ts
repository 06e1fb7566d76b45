import type { ExportRequest } from '../../contracts/export-request.ts';
import { CopyBinaryParser } from '../../sources/copy/binary-parser.ts';
import type { Encoder } from '../format.ts';
import { type ParquetSizes, sizesOf } from './data-page.ts';
import { RowGroupWriter } from './row-group-writer.ts';
import type { RowGroup } from './row-groups.ts';
import type { FileColumn } from './schema.ts';

/**
 * Encodes the row groups of a Parquet file from COPY's binary format. The bytes of values are rearranged and never
 * become JavaScript numbers, so no value is rounded. It needs the memory of one row group.
 * https://parquet.apache.org/docs/file-format/
 */
export class ParquetEncoder implements Encoder {
  rows = 0;
  readonly #writer: RowGroupWriter;
  readonly #rowGroupBytes: number;

  constructor(
    columns: readonly FileColumn[],
    compression: ExportRequest['compression'],
    sizes: Partial<ParquetSizes> = {},
  ) {
    const all = { ...sizesOf(columns.length), ...sizes };
    this.#writer = new RowGroupWriter(columns, compression, all);
    this.#rowGroupBytes = all.rowGroupBytes;
  }

  /** Returns for each column how many values are NULL in the file but not in the source. */
  nulled(): number[] {
    return this.#writer.columns.map(({ nulled }) => nulled);
  }

  /** Returns the row groups, with offsets from the start of the first one. */
  metadata(): readonly RowGroup[] {
    return this.#writer.groups;
  }

  async *encode(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    const parser = new CopyBinaryParser(this.#writer.columns.length);
    let groupStart = 0;
    for await (const chunk of source) {
      parser.push(chunk);
      while (parser.next()) {
        this.#writer.append(parser, ++this.rows);
        if (parser.rowBytes - groupStart < this.#rowGroupBytes) continue;
        yield* this.#writer.endGroup();
        groupStart = parser.rowBytes;
      }
      await this.#writer.compressor.waitForCapacity();
    }
    parser.end();
    if (parser.rowBytes > groupStart) yield* this.#writer.endGroup();
    this.#writer.checkRows(this.rows);
  }
}
