import type { BinaryRow } from '../../sources/copy/binary-parser.ts';
import type { Page, PageCompressor, ParquetSizes, ValueEncoding } from './data-page.ts';
import { PageEncoder } from './page-encoder.ts';
import { PlainBuffer, type PlainValues } from './plain-buffer.ts';
import { encodeRleHybrid } from './rle.ts';
import type { ColumnSchema, FileColumn } from './schema.ts';
import { type MinMax, MinMaxStatistics } from './statistics.ts';
import { UnsupportedValueError } from './unsupported-value.ts';

/** The values of one column in one row group. */
export interface ColumnChunk {
  rows: number;
  /** Number of levels. A list has one for each of its values, or one if it is empty or NULL. */
  values: number;
  nulls: number;
  bounds: MinMax | null;
  /** The page of the dictionary, with which the column chunk starts. */
  dictionary: Page | null;
  pages: DataPage[];
}

/** A data page, and what it contains. */
export interface DataPage extends Page {
  encoding: ValueEncoding;
  rows: number;
  /** Number of levels. */
  values: number;
  nulls: number;
  bounds: MinMax | null;
}

/** The values of a page of a column that is no list. */
export interface OpenPage {
  values: PlainValues;
  /** 1 for each row with a value, 0 for NULL. */
  levels: Uint8Array;
  rows: number;
  nulls: number;
}

/** Returns the pages of a column chunk in the order of the file. */
export const pagesOf = ({ dictionary, pages }: ColumnChunk): readonly Page[] =>
  dictionary ? [dictionary, ...pages] : pages;

type Sizes = Pick<ParquetSizes, 'pageBytes' | 'pageLevels'>;

/** Encodes the values of a column into pages. */
export class ColumnChunkWriter {
  readonly name: string;
  readonly schema: ColumnSchema;
  /** Values that are NULL in the file but not in the source, by the `nullPolicy` of their type. */
  nulled = 0;
  readonly #compressor: PageCompressor;
  readonly #sizes: Sizes;
  readonly #values = new PlainBuffer();
  /** How far the path to a value is not NULL. Of a list: 0 nothing, 1 the list, 2 its element, 3 the value. */
  readonly #definition = new Levels();
  /** 0: a new row; 1: the next element of the same list. Empty if the column is no list. */
  readonly #repetition = new Levels();
  readonly #encoder: PageEncoder;
  #pages: Promise<DataPage>[] = [];
  #bounds: MinMaxStatistics;
  /** Of the pages that are closed. */
  #totals = { rows: 0, values: 0, nulls: 0 };
  /** Of the open page. */
  #rows = 0;
  #nulls = 0;

  constructor(column: FileColumn, compressor: PageCompressor, sizes: Sizes) {
    this.name = column.name;
    this.schema = column;
    this.#compressor = compressor;
    this.#sizes = sizes;
    this.#bounds = new MinMaxStatistics(this.schema.parquetType);
    this.#encoder = new PageEncoder(this.schema.parquetType, compressor.codec);
  }

  /** Encodes value `n` of a row. */
  append({ view, starts, lengths }: BinaryRow, n: number): void {
    const at = starts[n] ?? 0;
    const length = lengths[n] ?? -1;
    this.#rows++;
    if (this.schema.list) this.#appendList(view, at, length);
    else this.#addLevel(this.#appendValue(view, at, length) ? 1 : 0);
    const { pageBytes, pageLevels } = this.#sizes;
    if (this.#values.length >= pageBytes || this.#definition.length >= pageLevels)
      this.#closePage();
  }

  /** Ends the row group and returns its column chunk. */
  async finish(): Promise<ColumnChunk> {
    if (this.#definition.length > 0) this.#closePage();
    const pages = this.#pages;
    const totals = { ...this.#totals, bounds: this.#bounds.finish() };
    const { dictionary } = this.#encoder;
    const dictionaryPage =
      dictionary && this.#compressor.compressDictionary(dictionary.values, dictionary.entries);
    this.#encoder.endChunk();
    this.#pages = [];
    this.#bounds = new MinMaxStatistics(this.schema.parquetType);
    this.#totals = { rows: 0, values: 0, nulls: 0 };
    return {
      ...totals,
      dictionary: await dictionaryPage,
      pages: await Promise.all(pages),
    };
  }

  #appendValue(view: DataView, at: number, length: number): boolean {
    const { parquetType } = this.schema;
    // A relation that cannot be locked (a foreign table) may have changed its type since it was inspected.
    if (length >= 0 && parquetType.wireBytes !== undefined && length !== parquetType.wireBytes)
      throw new Error(
        `column ${this.name} sent a value of ${length} bytes; its type has ${parquetType.wireBytes}`,
      );
    const hasValue = length >= 0 && parquetType.encode(this.#values, view, at, length);
    if (length >= 0 && !hasValue) this.nulled++;
    if (!hasValue) this.#nulls++;
    return hasValue;
  }

  #addLevel(definition: number): void {
    this.#definition.push(definition);
  }

  /** Reads what `array_send` writes: dimensions, a NULL flag, the type, then size and lower bound of each dimension. */
  #appendList(view: DataView, at: number, length: number): void {
    const dimensions = length < 0 ? 0 : view.getInt32(at);
    if (dimensions > 1)
      throw new UnsupportedValueError(
        `is an array of ${dimensions} dimensions; a list in the file has one`,
      );
    this.#repetition.push(0);
    if (dimensions === 0) {
      this.#nulls++;
      return this.#addLevel(length < 0 ? 0 : 1);
    }
    const elements = view.getInt32(at + 12);
    let next = at + 20;
    for (let n = 0; n < elements; n++) {
      if (n > 0) this.#repetition.push(1);
      const bytes = view.getInt32(next);
      this.#addLevel(this.#appendValue(view, next + 4, bytes) ? 3 : 2);
      next += 4 + Math.max(bytes, 0);
    }
  }

  /** Adds a page whose values were encoded elsewhere. The column is no list, and has no open page. */
  addPage(page: OpenPage): void {
    const { levels, ...counts } = page;
    this.#addPage([encodeLevels(levels, 1)], { ...counts, levels: levels.length });
  }

  /** Continues a page that was begun elsewhere. The column is no list, and has no open page. */
  continuePage({ values, levels, rows, nulls }: OpenPage): void {
    this.#values.adopt(values);
    this.#definition.append(levels);
    this.#rows = rows;
    this.#nulls = nulls;
  }

  #closePage(): void {
    const definition = this.#definition.toArray();
    const levels = [encodeLevels(definition, this.schema.list ? 2 : 1)];
    if (this.schema.list) levels.unshift(encodeLevels(this.#repetition.toArray(), 1));
    this.#addPage(levels, {
      values: this.#values,
      levels: definition.length,
      rows: this.#rows,
      nulls: this.#nulls,
    });
    this.#values.clear();
    this.#definition.clear();
    this.#repetition.clear();
    this.#rows = 0;
    this.#nulls = 0;
  }

  #addPage(
    sections: readonly Buffer[],
    { values, levels, rows, nulls }: Omit<OpenPage, 'levels'> & { levels: number },
  ): void {
    const counts = { rows, values: levels, nulls };
    const bounds = new MinMaxStatistics(this.schema.parquetType);
    bounds.add(values);
    this.#bounds.merge(bounds);
    const { encoding, bytes } = this.#encoder.encode(values, levels - nulls);
    const page = this.#compressor
      .compress([...sections, bytes], { values: levels, encoding })
      .then((it) => ({ ...it, ...counts, encoding, bounds: bounds.finish() }));
    // Awaited later; this handler avoids an unhandled rejection.
    page.catch(() => undefined);
    this.#pages.push(page);
    this.#totals.rows += rows;
    this.#totals.values += levels;
    this.#totals.nulls += nulls;
  }
}

/** Returns the levels of a page, preceded by their length in bytes. */
function encodeLevels(levels: Uint8Array, bits: 1 | 2): Buffer {
  const lengthBytes = 4;
  const encoded = Buffer.from(encodeRleHybrid(levels, bits, lengthBytes));
  encoded.writeUInt32LE(encoded.length - lengthBytes);
  return encoded;
}

class Levels {
  length = 0;
  #bytes = new Uint8Array(256);

  push(level: number): void {
    if (this.length === this.#bytes.length) {
      const larger = new Uint8Array(2 * this.length);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes[this.length++] = level;
  }

  append(levels: Uint8Array): void {
    for (const level of levels) this.push(level);
  }

  toArray(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }

  clear(): void {
    this.length = 0;
  }
}
