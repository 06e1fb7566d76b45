import type { ExportRequest } from '../../contracts/export-request.ts';
import type { Encoder } from '../format.ts';
import { codecOf } from './codecs.ts';
import { type Chunk, Column } from './column.ts';
import { CopyRows } from './copy-rows.ts';
import type { FileColumn } from './mapping.ts';
import { PagePress, type ParquetSizes, usualSizes } from './pages.ts';
import type { ChunkPlace, RowGroup } from './row-groups.ts';
import type { Bounded } from './statistics.ts';
import { unfitRow } from './unfit.ts';

/**
 * Writes the row groups of Parquet out of COPY's binary format: bytes are moved from one to the other, no
 * value becomes one of JavaScript, so none can be rounded. It needs the memory of one row group.
 * https://parquet.apache.org/docs/file-format/
 */
export class ParquetEncoder implements Encoder {
  rows = 0;
  readonly #press: PagePress;
  readonly #columns: Column[];
  readonly #rowGroupBytes: number;
  readonly #groups: RowGroup[] = [];
  #offset = 0;

  constructor(
    columns: readonly FileColumn[],
    compression: ExportRequest['compression'],
    sizes: Partial<ParquetSizes> = {},
  ) {
    const all = { ...usualSizes, ...sizes };
    this.#press = new PagePress(codecOf(compression));
    this.#columns = columns.map((column) => new Column(column, this.#press, all));
    this.#rowGroupBytes = all.rowGroupBytes;
  }

  /** By column, how many values are NULL in the file and not in the source. */
  nulled(): number[] {
    return this.#columns.map(({ nulled }) => nulled);
  }

  /** Where the row groups lie, counted from the first. */
  fragment(): readonly RowGroup[] {
    return this.#groups;
  }

  async *encode(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    const copied = new CopyRows(this.#columns.length);
    let begun = 0;
    for await (const piece of source) {
      copied.push(piece);
      while (copied.next()) {
        this.#put(copied);
        if (copied.taken - begun < this.#rowGroupBytes) continue;
        yield* this.#rowGroup();
        begun = copied.taken;
      }
      await this.#press.roomy();
    }
    copied.end();
    if (copied.taken > begun) yield* this.#rowGroup();
    const written = this.#groups.reduce((all, { rows }) => all + rows, 0);
    if (written !== this.rows)
      throw new Error(`${this.rows} rows were read, ${written} are in the file`);
  }

  #put(row: CopyRows): void {
    this.rows++;
    for (const [n, column] of this.#columns.entries()) {
      try {
        column.put(row, n);
      } catch (error) {
        throw unfitRow(error, this.rows, column.name);
      }
    }
  }

  async *#rowGroup(): AsyncGenerator<Buffer> {
    const group: RowGroup = { rows: 0, chunks: [] };
    for (const [n, column] of this.#columns.entries()) {
      const { pages, rows, bounds, ...chunk } = await column.chunk();
      if (n > 0 && rows !== group.rows)
        throw new Error(`column ${column.name} has ${rows} rows of ${group.rows}`);
      group.rows = rows;
      const offset = this.#offset;
      for (const { header, body } of pages) {
        yield header;
        yield body;
        this.#offset += header.length + body.length;
      }
      group.chunks.push({ ...chunk, bounds: bounds && asText(bounds), offset, ...sizesOf(pages) });
    }
    this.#groups.push(group);
  }
}

const asText = ({ min, max, ...exact }: Bounded): ChunkPlace['bounds'] => ({
  min: min.toString('base64'),
  max: max.toString('base64'),
  ...exact,
});

function sizesOf(pages: Chunk['pages']): { bytes: number; plainBytes: number } {
  let [bytes, plainBytes] = [0, 0];
  for (const page of pages) {
    bytes += page.header.length + page.body.length;
    plainBytes += page.plainBytes;
  }
  return { bytes, plainBytes };
}
