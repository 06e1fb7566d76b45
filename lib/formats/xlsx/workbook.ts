import { memoryLimits } from '../../runtime/memory-budget.ts';
import { cellTypeOf } from './cells.ts';
import {
  closingEntries,
  openingEntries,
  sheetFooter,
  sheetHeader,
  sheetPath,
} from './opc-parts.ts';
import { columnLetters, type SheetColumn, SheetRows } from './sheet-rows.ts';
import { ZipWriter } from './zip-writer.ts';

/** The limit of Excel: https://support.microsoft.com/office/excel-specifications-and-limits */
const maxRows = 1_048_576;

/**
 * Bytes of XML after which a sheet gets no further row. From 4 GiB on its zip entry would need zip64, which Excel
 * offers to repair and exceljs rejects; a row of 1,664 columns of escaped characters has 370 MB.
 */
const maxSheetBytes = 3_500_000_000;

/** The sizes at which a sheet is full. */
export interface SheetSizes {
  /** Rows with the header. */
  rows: number;
  /** Bytes of XML. */
  bytes: number;
}

export const sheetSizes: SheetSizes = { rows: maxRows, bytes: maxSheetBytes };

interface WorkbookOptions {
  /** Takes the bytes of the file, which it may keep. */
  emit: (chunk: Buffer) => void;
  sizes: SheetSizes;
}

/**
 * Writes a workbook in constant memory while the XML of its rows arrives, which is deflated into the zip. All methods
 * return at once: what they ask for is done in their order. Wait for `pending` after each.
 */
export class Workbook {
  readonly rows: SheetRows;
  /** Work that has to be done before more XML is written, if there is any. */
  pending: Promise<void> | undefined;
  readonly #zip: ZipWriter;
  readonly #max: SheetSizes;
  readonly #widths: readonly number[];
  readonly #lastColumn: string;
  /** The filtered cells of each sheet. */
  readonly #ranges: string[] = [];
  #isOpen = false;
  #bytes = 0;
  #waiting = 0;
  #done: Promise<void> = Promise.resolve();
  /** Settled once half of the chunks are written. */
  #room = Promise.withResolvers<void>();

  constructor(columns: readonly SheetColumn[], { emit, sizes }: WorkbookOptions) {
    this.rows = new SheetRows(columns);
    this.#zip = new ZipWriter(emit);
    this.#max = sizes;
    this.#widths = columns.map((column) => cellTypeOf(column).width);
    this.#lastColumn = columnLetters(columns.length - 1);
    for (const [path, xml] of openingEntries) this.#enqueue(async () => this.#zip.add(path, xml));
  }

  /**
   * Returns whether the sheet has room for no further row.
   *
   * @param row number of its last row
   */
  isFull(row: number): boolean {
    return row >= this.#max.rows || (this.#bytes >= this.#max.bytes && row > 1);
  }

  /** Adds XML to the sheet: rows, cut anywhere. `release` is called once the bytes may be changed. */
  write(xml: Buffer, release: (xml: Buffer) => void = () => undefined): void {
    this.#openSheet();
    this.#bytes += xml.length;
    this.#enqueue(async () => {
      await this.#zip.write(xml);
      release(xml);
    });
  }

  /** Ends the sheet, at a row with this number. */
  endSheet(row: number): void {
    this.#openSheet();
    const last = this.#lastColumn;
    this.#ranges.push(`$A$1:$${last}$${row}`);
    this.write(Buffer.from(sheetFooter(`A1:${last}${row}`)));
    this.#enqueue(() => this.#zip.end());
    this.#isOpen = false;
  }

  /** Ends the file. */
  end(): void {
    for (const [path, xml] of closingEntries(this.#ranges))
      this.#enqueue(async () => this.#zip.add(path, xml));
    this.#enqueue(async () => this.#zip.finish());
    this.#waitFor(this.#done);
  }

  #openSheet(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#bytes = 0;
    const number = this.#ranges.length + 1;
    const path = sheetPath(number);
    this.#enqueue(async () => this.#zip.begin(path));
    this.write(Buffer.from(sheetHeader({ number, widths: this.#widths }) + this.rows.header));
  }

  #enqueue(work: () => Promise<void>): void {
    this.#waiting++;
    this.#done = this.#done.then(work);
    this.#done.then(
      () => {
        this.#waiting--;
        if (this.#waiting <= memoryLimits.sheetChunks / 2) this.#room.resolve();
      },
      (error: unknown) => this.#room.reject(error),
    );
    if (this.#waiting <= memoryLimits.sheetChunks || this.pending) return;
    this.#room = Promise.withResolvers();
    this.#waitFor(this.#room.promise);
  }

  /** Sets `pending` until then, and keeps it if that fails. */
  #waitFor(done: Promise<void>): void {
    const pending = done.then(() => {
      if (this.pending === pending) this.pending = undefined;
    });
    // What failed is noticed by the caller, before more rows or at the end.
    pending.catch(() => undefined);
    this.pending = pending;
  }
}
