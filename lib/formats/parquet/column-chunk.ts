import type { CopyRow } from './copy-rows.ts';
import { packLevels } from './levels.ts';
import type { FileColumn, Mapping } from './mapping.ts';
import type { Page, PagePress, ParquetSizes } from './pages.ts';
import { type Bounded, Bounds } from './statistics.ts';
import { Unfit } from './unfit.ts';
import { Values } from './values.ts';

/** What a row group has of one column. */
export interface Chunk {
  rows: number;
  /** Levels: a list has one for each of its values. */
  values: number;
  nulls: number;
  bounds: Bounded | null;
  pages: Page[];
}

type Sizes = Pick<ParquetSizes, 'pageBytes' | 'pageLevels'>;

/** Takes the values of a column, and makes pages of them. */
export class Column {
  readonly name: string;
  readonly mapping: Mapping;
  /** Values of the source that are NULL in the file, by the policy of their kind. */
  nulled = 0;
  readonly #press: PagePress;
  readonly #sizes: Sizes;
  readonly #values = new Values();
  /** How much of the path to a value is there: of a list 0 nothing, 1 the list, 2 its element, 3 the value. */
  readonly #definition = new Levels();
  /** 0: a new row; 1: the next element of the same list. Empty where there are no lists. */
  readonly #repetition = new Levels();
  #chunk: Promise<Page>[] = [];
  #bounds: Bounds;
  #rows = 0;
  #levels = 0;
  #nulls = 0;

  constructor(column: FileColumn, press: PagePress, sizes: Sizes) {
    this.name = column.name;
    this.mapping = column;
    this.#press = press;
    this.#sizes = sizes;
    this.#bounds = new Bounds(this.mapping.kind);
  }

  /** Takes value `n` of a row. */
  put({ view, starts, lengths }: CopyRow, n: number): void {
    const at = starts[n] ?? 0;
    const length = lengths[n] ?? -1;
    this.#rows++;
    if (this.mapping.list) this.#putList(view, at, length);
    else this.#level(this.#putValue(view, at, length) ? 1 : 0);
    const { pageBytes, pageLevels } = this.#sizes;
    if (this.#values.length >= pageBytes || this.#definition.length >= pageLevels) this.#close();
  }

  /** Ends the row group, and gives what it has. */
  async chunk(): Promise<Chunk> {
    if (this.#definition.length > 0) this.#close();
    const pages = this.#chunk;
    const made = {
      rows: this.#rows,
      values: this.#levels,
      nulls: this.#nulls,
      bounds: this.#bounds.taken(),
    };
    this.#chunk = [];
    this.#bounds = new Bounds(this.mapping.kind);
    this.#rows = 0;
    this.#levels = 0;
    this.#nulls = 0;
    return { ...made, pages: await Promise.all(pages) };
  }

  #putValue(view: DataView, at: number, length: number): boolean {
    const { kind } = this.mapping;
    // What cannot be locked (a foreign table) may have been given another type since it was looked at.
    if (length >= 0 && kind.sent !== undefined && length !== kind.sent)
      throw new Error(`column ${this.name} sent ${length} bytes for its type, not ${kind.sent}`);
    const isThere = length >= 0 && kind.put(this.#values, view, at, length);
    if (length >= 0 && !isThere) this.nulled++;
    if (!isThere) this.#nulls++;
    return isThere;
  }

  #level(definition: number): void {
    this.#definition.push(definition);
    this.#levels++;
  }

  /** As `array_send` writes it: dimensions, whether there are NULLs, the type, then size and lower bound of each. */
  #putList(view: DataView, at: number, length: number): void {
    const dimensions = length < 0 ? 0 : view.getInt32(at);
    if (dimensions > 1)
      throw new Unfit(`is an array of ${dimensions} dimensions, a list in the file has one`);
    this.#repetition.push(0);
    if (dimensions === 0) {
      this.#nulls++;
      return this.#level(length < 0 ? 0 : 1);
    }
    const elements = view.getInt32(at + 12);
    let next = at + 20;
    for (let n = 0; n < elements; n++) {
      if (n > 0) this.#repetition.push(1);
      const bytes = view.getInt32(next);
      this.#level(this.#putValue(view, next + 4, bytes) ? 3 : 2);
      next += 4 + Math.max(bytes, 0);
    }
  }

  #close(): void {
    const definition = this.#definition.taken();
    const parts = [packed(definition, this.mapping.list ? 2 : 1)];
    if (this.mapping.list) parts.unshift(packed(this.#repetition.taken(), 1));
    this.#bounds.add(this.#values);
    parts.push(this.#values.bytes.subarray(0, this.#values.length));
    this.#chunk.push(this.#press.press(parts, definition.length));
    this.#values.clear();
    this.#definition.clear();
    this.#repetition.clear();
  }
}

/** Levels in a page have their length before them. */
function packed(levels: Uint8Array, bits: 1 | 2): Buffer {
  const runs = packLevels(levels, bits);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(runs.length);
  return Buffer.concat([length, runs]);
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

  taken(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }

  clear(): void {
    this.length = 0;
  }
}
