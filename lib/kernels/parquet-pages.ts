import type { OpenPage } from '../formats/parquet/column-chunk.ts';
import type { ParquetSizes } from '../formats/parquet/data-page.ts';
import { deltaSlackBytes } from '../formats/parquet/delta.ts';
import { widthOf } from '../formats/parquet/dictionary.ts';
import type { ValuesKernel } from '../formats/parquet/plain-buffer.ts';
import { type ParquetType, physicalType } from '../formats/parquet/types.ts';
import { memoryBudget, memoryLimits } from '../runtime/memory-budget.ts';
import { wasm } from './built/parquet.ts';
import { instantiate } from './instantiate.ts';
import { KernelMemory, slackBytes } from './kernel-memory.ts';

/** The fields of a column in the table of lib/kernels/assembly/parquet.ts, and the bytes of a column there. */
const fields = {
  kind: 0,
  out: 4,
  full: 8,
  bitmap: 12,
  firstRow: 16,
  nulls: 20,
  nulled: 24,
  bits: 28,
  scale: 32,
  start: 36,
  limit: 40,
};
const columnBytes = 48;
const alignment = 16;
/** Columns that a table of PostgreSQL may have; a view has no more. */
export const maxColumns = 1_664;
/** A longer value is encoded without the kernel. */
const maxValueBytes = 64 * 1_024;
/** Bytes of the length before a text, and beyond the end of a value. */
const valueSlack = 4 + alignment;

/** The levels of the page that is passed on. */
let levelsOfPage = new Uint8Array(0);

/** Bytes of the memory of a kernel: the values and bitmaps of all pages, the table, and slack. */
export const parquetKernelBytes =
  memoryBudget.kernelPages.bytes + maxColumns * (columnBytes + alignment) + 2 * slackBytes;
/** Of them, those for the differences of a page, or for its distinct values. */
const scratchBytes = memoryBudget.kernelPages.bytes - memoryLimits.openPages + deltaSlackBytes;

/** A column of the kernel: the number of its type, and its digits if it is a decimal. */
export interface KernelColumn {
  kind: number;
  decimal: ParquetType['decimal'];
}

interface Region {
  /** Address of its fields. */
  fields: number;
  bitmap: number;
  bytes: Buffer;
  view: DataView;
}

type TakePage = (column: number, page: OpenPage) => void;

/** The open pages of all columns, in the memory of the kernel that fills them. */
export class KernelPages {
  readonly #memory: KernelMemory;
  readonly #view: DataView;
  readonly #regions: readonly Region[];
  readonly #pageLevels: number;
  readonly #valuesKernel: (start: number, length: number) => ValuesKernel;
  readonly #encode: (at: number, end: number, toSkip: number) => number;
  readonly #stopped: () => number;
  readonly #beginPage: (fields: number, bitmapBytes: number) => number;
  readonly #beginGroup: () => number;
  readonly #setLevelsEnd: (row: number) => number;
  readonly #rowCount: () => number;
  readonly #rowBytes: () => number;

  constructor(
    memory: KernelMemory,
    columns: readonly KernelColumn[],
    { pageBytes, pageLevels, rowGroupBytes }: ParquetSizes,
  ) {
    this.#memory = memory;
    this.#view = new DataView(memory.bytes.buffer);
    this.#pageLevels = pageLevels;
    if (levelsOfPage.length < pageLevels) levelsOfPage = new Uint8Array(pageLevels);
    const bitmapBytes = aligned(pageLevels / 8);
    const table = aligned(memory.free);
    const bitmaps = table + columns.length * columnBytes;
    const regions = bitmaps + columns.length * bitmapBytes;
    const scratchAt = aligned(memory.free + parquetKernelBytes - scratchBytes - slackBytes);
    const regionBytes = Math.floor((scratchAt - regions) / columns.length / alignment) * alignment;
    const maxValue = Math.min(maxValueBytes, regionBytes - pageBytes - valueSlack);
    this.#regions = columns.map((column, n) => {
      const [at, bitmap] = [table + n * columnBytes, bitmaps + n * bitmapBytes];
      const start = regions + n * regionBytes;
      const values = { kind: column.kind, bitmap, start, full: start + pageBytes, nulled: 0 };
      for (const name of ['kind', 'bitmap', 'start', 'full', 'nulled'] as const)
        this.#view.setUint32(at + fields[name], values[name], true);
      const { digits, scale } = column.decimal ?? { digits: 0, scale: 0 };
      this.#view.setUint32(at + fields.scale, scale, true);
      this.#view.setBigInt64(at + fields.limit, 10n ** BigInt(digits), true);
      return {
        fields: at,
        bitmap,
        bytes: memory.bytes.subarray(start, start + regionBytes),
        view: new DataView(memory.bytes.buffer, start, regionBytes),
      };
    });
    const call = instantiate(wasm, memory.memory);
    this.#valuesKernel = valuesKernelOf(call, memory, scratchAt);
    this.#encode = call('encode');
    this.#stopped = call('stopped');
    this.#beginPage = call('beginPage');
    this.#beginGroup = call('beginGroup');
    this.#setLevelsEnd = call('setLevelsEnd');
    this.#rowCount = call('rowCount');
    this.#rowBytes = call('rowBytes');
    call('init')(table, columns.length, KernelMemory.maxRowBytes, maxValue, rowGroupBytes);
    this.beginGroup();
  }

  /** Rows of the row group. */
  get rows(): number {
    return this.#rowCount();
  }

  /** Bytes of these rows. */
  get rowBytes(): number {
    return this.#rowBytes();
  }

  /** Returns how many values of a column are NULL in the file but not in the source. */
  nulled(column: number): number {
    const region = this.#regions[column];
    return region ? this.#field(region, 'nulled') : 0;
  }

  /** Encodes rows. Returns where and why (`stops`) the kernel stopped. */
  encode(at: number, end: number, toSkip: number): { at: number; reason: number } {
    return { at: this.#encode(at, end, toSkip), reason: this.#stopped() };
  }

  /** Begins a row group, with empty pages. */
  beginGroup(): void {
    this.#beginGroup();
    for (const region of this.#regions)
      this.#beginPage(region.fields, Math.ceil(this.#pageLevels / 8));
    this.#setLevelsEnd(this.#pageLevels);
  }

  /** Returns the columns whose pages are full: they are taken before the next rows. */
  full(): number[] {
    const { rows } = this;
    return this.#columnsOf(
      (region) =>
        this.#field(region, 'out') >= this.#field(region, 'full') ||
        rows - this.#field(region, 'firstRow') >= this.#pageLevels,
    );
  }

  /** Returns the columns whose pages have rows. */
  open(): number[] {
    const { rows } = this;
    return this.#columnsOf((region) => rows > this.#field(region, 'firstRow'));
  }

  /** Goes on with the row group after full pages were taken. */
  continueGroup(): void {
    let first = this.rows;
    for (const region of this.#regions) first = Math.min(first, this.#field(region, 'firstRow'));
    this.#setLevelsEnd(first + this.#pageLevels);
  }

  #columnsOf(isMeant: (region: Region) => boolean): number[] {
    return this.#regions.flatMap((region, n) => (isMeant(region) ? [n] : []));
  }

  /** Passes the page of a column on, and begins the next one. It is valid until `take` returns. */
  take(column: number, take: TakePage): void {
    const region = this.#regions[column];
    if (!region) return;
    const { bytes, view } = region;
    const rows = this.rows - this.#field(region, 'firstRow');
    const nulls = this.#field(region, 'nulls');
    const start = this.#field(region, 'start');
    const length = this.#field(region, 'out') - start;
    const kernel = this.#valuesKernel(start, length);
    const values = { bytes, view, length, bits: this.#field(region, 'bits'), kernel };
    take(column, { values, levels: this.#levelsOf(region, rows, nulls), rows, nulls });
    this.#beginPage(region.fields, Math.ceil(rows / 8));
  }

  #levelsOf({ bitmap }: Region, rows: number, nulls: number): Uint8Array {
    const levels = levelsOfPage.subarray(0, rows);
    if (nulls === 0) return levels.fill(1);
    const { bytes } = this.#memory;
    for (let row = 0; row < rows; row++)
      levels[row] = ((bytes[bitmap + (row >> 3)] ?? 0) >> (row & 7)) & 1;
    return levels;
  }

  #field(region: Region, name: keyof typeof fields): number {
    return this.#view.getUint32(region.fields + fields[name], true);
  }
}

const aligned = (length: number): number => Math.ceil(length / alignment) * alignment;

/** Returns what the kernel does with the values of a page, by their address and length; `scratch`: where its results are. */
function valuesKernelOf(
  call: ReturnType<typeof instantiate>,
  { bytes }: KernelMemory,
  scratch: number,
): (start: number, length: number) => ValuesKernel {
  const encodeDelta = call('encodeDelta');
  const findDistinct = call('findDistinct');
  const [startsAt, indicesAt] = [call('startsAt')(scratch), call('indicesAt')(scratch)];
  const [minimumAt, maximumAt] = [call('minimumAt'), call('maximumAt')];
  const finders = new Map<number, (...numbers: number[]) => number>([
    [physicalType.int32, call('findEndsOfInt32')],
    [physicalType.int64, call('findEndsOfInt64')],
    [physicalType.double, call('findEndsOfDoubles')],
    [physicalType.byteArray, call('findEndsOfBytes')],
  ]);
  return (start, length) => ({
    endsOf: ({ physicalType: type }, maxComparedBytes) => {
      const isKnown = finders.get(type)?.(start, length, maxComparedBytes);
      if (isKnown === undefined) return undefined;
      return isKnown === 0 ? 'unknown' : { min: minimumAt(), max: maximumAt() };
    },
    encodeDelta: (width, limit) => {
      const end = encodeDelta(start, length, width, scratch, limit);
      return end === 0 ? null : bytes.subarray(scratch, scratch + end);
    },
    distinct: (type, { count, sample }) => {
      const found = findDistinct(start, length, widthOf(type) ?? 0, scratch, sample);
      if (found === 0) return null;
      return {
        starts: new Uint32Array(bytes.buffer, startsAt, found),
        indices: new Uint16Array(bytes.buffer, indicesAt, count),
      };
    },
  });
}
