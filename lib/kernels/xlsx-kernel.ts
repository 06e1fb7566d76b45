import { type CellForm, cellMarkup, cellTypeOf } from '../formats/xlsx/cells.ts';
import {
  cellStart,
  maxLineBytes,
  rowMarkup,
  type SheetColumn,
} from '../formats/xlsx/sheet-rows.ts';
import { sheetSizes, Workbook } from '../formats/xlsx/workbook.ts';
import { stringMarkup } from '../formats/xlsx/xml-text.ts';
import { memoryBudget } from '../runtime/memory-budget.ts';
import { LineTooLongError } from '../sources/copy/text-parser.ts';
import { wasm } from './built/xlsx.ts';
import { KernelMemory, slackBytes } from './kernel-memory.ts';
import type { KernelContext, KernelPlan } from './row-kernel.ts';
import { TextKernel, textKernelBytes } from './text-kernel.ts';

/** The numbers of the forms in lib/kernels/assembly/xlsx.ts. */
const forms: Record<CellForm, number> = {
  integer: 0,
  exact: 1,
  double: 2,
  boolean: 3,
  date: 4,
  dateTime: 5,
  text: 6,
};

/** The fixed parts of the XML, in the order of the kernel. A quote ends the number of a row, which precedes the cell. */
const markup = [
  rowMarkup.start,
  rowMarkup.open,
  rowMarkup.end,
  `"${cellMarkup.number}`,
  `"${cellMarkup.date}`,
  `"${cellMarkup.dateTime}`,
  `"${cellMarkup.dateTimeFraction}`,
  cellMarkup.endOfValue,
  `"${cellMarkup.boolean}0${cellMarkup.endOfValue}`,
  `"${cellMarkup.boolean}1${cellMarkup.endOfValue}`,
  `"${cellMarkup.text}${stringMarkup.start}`,
  `"${cellMarkup.quotedText}${stringMarkup.start}`,
  `${stringMarkup.end}${cellMarkup.endOfText}`,
  stringMarkup.preserve,
];
/** Bytes of a fixed part in the table: at most 32, then their number. */
const markupBytes = 48;
/** Bytes of a column in the table: what begins its cells, in 16, its length, and the form. */
const columnBytes = 32;
const startBytes = 16;
const tableBytesOf = (columns: number): number =>
  markupBytes * markup.length + columnBytes * columns;

/** The most bytes that the kernel writes for one of COPY: `_xHHHH_` for a control character. */
const maxGrowth = 7;
/** The most bytes of a cell without its value, and of a row without its cells. */
const maxCellMarkup = 96;
const rowMarkupBytes = 64;

const lineFeed = 0x0a;

/** Where the XML of rows goes; `Workbook` is one. */
type Sheets = Pick<Workbook, 'rows' | 'pending' | 'write' | 'isFull' | 'endSheet' | 'end'>;

interface SheetOptions {
  /** Rows of a sheet, with its header. */
  rows: number;
  create: (emit: (chunk: Buffer) => void) => Sheets;
}

/**
 * Sheets whose rows a kernel writes as XML. `SheetRows` writes the rows that are too long for the kernel or left by it, so
 * their content is that of the sheets of `XlsxEncoder`.
 */
class SheetKernel extends TextKernel {
  readonly #sheets: Sheets;
  readonly #beginSheet: () => void;
  readonly #maxRowBytes: number;
  /** Rows of the sheets that have ended. */
  #rowsBefore = 0;
  #longRow: Buffer[] = [];
  #longRowBytes = 0;

  constructor(
    { memory, pool, emit }: KernelContext,
    columns: readonly SheetColumn[],
    { rows, create }: SheetOptions,
  ) {
    const sheets = create(emit);
    for (const [n, part] of markup.entries())
      writeEntry(memory.bytes, memory.free + markupBytes * n, { text: part, space: 32 });
    const table = memory.free + markupBytes * markup.length;
    for (const [n, column] of columns.entries()) {
      const at = table + columnBytes * n;
      writeEntry(memory.bytes, at, { text: cellStart(n), space: startBytes });
      memory.bytes.writeUInt32LE(forms[cellTypeOf(column).form], at + startBytes + 4);
    }
    const release = (xml: Buffer): void => pool.release(xml);
    super(
      { memory, pool, emit: (xml) => sheets.write(xml, release) },
      {
        wasm,
        parameters: [memory.free, table, columns.length, rows - 1],
        tableBytes: tableBytesOf(columns.length),
      },
    );
    this.#sheets = sheets;
    this.#beginSheet = this.call('beginSheet');
    this.#maxRowBytes = maxLineBytes(columns.length);
  }

  override get pending(): Promise<void> | undefined {
    return this.#sheets.pending;
  }

  override flush(): void {
    // Small chunks are compressed less.
  }

  override end(): void {
    this.#endSheet();
    this.#sheets.end();
  }

  protected override makeRoom(): void {
    super.makeRoom();
    if (!this.#sheets.isFull(this.#row)) return;
    this.#endSheet();
    this.#rowsBefore = this.rows;
    this.#beginSheet();
  }

  protected override encodeLong(bytes: Buffer, isLast: boolean): void {
    this.#longRow.push(isLast && this.#longRow.length === 0 ? bytes : Buffer.from(bytes));
    this.#longRowBytes += bytes.length;
    const parts = this.#longRow;
    const row = this.rows + 1;
    if (this.#longRowBytes > this.#maxRowBytes)
      throw this.#sheets.rows.tooLong(new LineTooLongError(parts), row);
    if (!isLast) return;
    this.#longRow = [];
    this.#longRowBytes = 0;
    const line = Buffer.concat(parts);
    if (line.indexOf(lineFeed) !== line.length - 1)
      throw new Error(`row ${row} is not what the server sends`);
    this.makeRoom();
    this.append(
      Buffer.from(
        this.#sheets.rows.xml(line.toString('utf8', 0, line.length - 1), this.#row + 1, row),
      ),
    );
  }

  /** The number of the last row in its sheet; the header is row 1. */
  get #row(): number {
    return this.rows - this.#rowsBefore + 1;
  }

  #endSheet(): void {
    super.end();
    this.#sheets.endSheet(this.#row);
  }
}

/** Writes a text into a table, and its length after the space that it has. */
function writeEntry(
  bytes: Buffer,
  at: number,
  { text, space }: { text: string; space: number },
): void {
  bytes.fill(0, at, at + space);
  bytes.writeUInt32LE(bytes.write(text, at, space), at + space);
}

/** Returns the plan of a kernel for these columns, undefined if its memory has no room for a row of them. */
export function sheetKernel(
  columns: readonly SheetColumn[],
  options: SheetOptions,
): KernelPlan | undefined {
  const longestRow =
    maxGrowth * KernelMemory.maxRowBytes + maxCellMarkup * columns.length + rowMarkupBytes;
  const needed =
    tableBytesOf(columns.length) + memoryBudget.copyChunk.bytes + longestRow + 2 * slackBytes;
  if (columns.length === 0 || needed > textKernelBytes) return undefined;
  return {
    bytes: textKernelBytes,
    create: (context) => new SheetKernel(context, columns, options),
  };
}

/** Returns the plan of a kernel for a workbook of these columns, which Node's thread pool compresses. */
export const xlsxKernel = (columns: readonly SheetColumn[]): KernelPlan | undefined =>
  sheetKernel(columns, {
    rows: sheetSizes.rows,
    create: (emit) => new Workbook(columns, { emit, sizes: sheetSizes }),
  });
