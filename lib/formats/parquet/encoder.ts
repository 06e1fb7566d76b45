import type { ExportRequest } from '../../contracts/export-request.ts';
import { Refusal } from '../../runtime/errors.ts';
import type { SourceColumn } from '../../sources/datasets.ts';
import type { Encoder } from '../format.ts';
import { codecOf } from './codecs.ts';
import { type Chunk, Column } from './column.ts';
import { CopyRows } from './copy-rows.ts';
import { footer, magic, type RowGroup } from './footer.ts';
import { PagePress } from './pages.ts';
import { Unfit } from './unfit.ts';

/**
 * Bytes from COPY that make a row group. A reader wants them large; until one is full its pages wait in
 * memory, compressed, because a row group has its columns behind each other.
 */
const rowGroupBytes = 16 * 1_024 * 1_024;

/**
 * Writes Parquet out of COPY's binary format: bytes are moved from one to the other, no value becomes
 * one of JavaScript, so none can be rounded. It needs the memory of one row group.
 * https://parquet.apache.org/docs/file-format/
 */
export class ParquetEncoder implements Encoder {
  rows = 0;
  readonly #press: PagePress;
  readonly #columns: Column[];
  readonly #rowGroupBytes: number;
  readonly #groups: RowGroup[] = [];
  #offset = magic.length;

  constructor(
    columns: readonly SourceColumn[],
    compression: ExportRequest['compression'],
    mostBytes = rowGroupBytes,
  ) {
    this.#press = new PagePress(codecOf(compression));
    this.#columns = columns.map((column) => new Column(column, this.#press));
    this.#rowGroupBytes = mostBytes;
  }

  /** By column, how many values are NULL in the file and not in the source. */
  nulled(): number[] {
    return this.#columns.map(({ nulled }) => nulled);
  }

  async *encode(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    const copied = new CopyRows(this.#columns.length);
    let begun = 0;
    yield magic;
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
    yield footer(this.#columns, this.#groups, this.#press.codec.id);
  }

  #put(row: CopyRows): void {
    this.rows++;
    for (const [n, column] of this.#columns.entries()) {
      try {
        column.put(row, n);
      } catch (error) {
        if (!(error instanceof Unfit)) throw error;
        throw new Refusal(
          'unsuitable_value',
          `A value in row ${this.rows}, column ${column.name}, ${error.message}. Leave out that column, or choose another format.`,
          { cause: error },
        );
      }
    }
  }

  async *#rowGroup(): AsyncGenerator<Buffer> {
    const group: RowGroup = { rows: 0, chunks: [] };
    for (const [n, column] of this.#columns.entries()) {
      const { pages, ...chunk } = await column.chunk();
      if (n > 0 && chunk.rows !== group.rows)
        throw new Error(`column ${column.name} has ${chunk.rows} rows of ${group.rows}`);
      group.rows = chunk.rows;
      const offset = this.#offset;
      for (const { header, body } of pages) {
        yield header;
        yield body;
        this.#offset += header.length + body.length;
      }
      group.chunks.push({ ...chunk, offset, ...sizesOf(pages) });
    }
    this.#groups.push(group);
  }
}

function sizesOf(pages: Chunk['pages']): { bytes: number; plainBytes: number } {
  let [bytes, plainBytes] = [0, 0];
  for (const page of pages) {
    bytes += page.header.length + page.body.length;
    plainBytes += page.plainBytes;
  }
  return { bytes, plainBytes };
}
