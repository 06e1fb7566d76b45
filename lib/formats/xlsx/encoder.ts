import { PassThrough, Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { ZipFile } from 'yazl';
import {
  LineTooLongError,
  parseCopyFields,
  splitCopyLines,
  type TextField,
} from '../../sources/copy/text-parser.ts';
import type { SourceColumn } from '../../sources/datasets.ts';
import type { Encoder } from '../format.ts';
import { UnencodableRowError } from '../unencodable-row.ts';
import { cellTypeOf } from './cells.ts';
import {
  closingEntries,
  openingEntries,
  sheetFooter,
  sheetHeader,
  sheetPath,
} from './opc-parts.ts';
import { styles } from './styles.ts';
import { inlineString } from './xml-text.ts';

/** The limits of Excel: https://support.microsoft.com/office/excel-specifications-and-limits */
const maxRows = 1_048_576;
const maxCharacters = 32_767;

/**
 * Bytes of XML after which a sheet gets no further row. From 4 GiB on its zip entry would need zip64, which Excel
 * offers to repair and exceljs rejects; a row of 1,664 columns of escaped characters has 370 MB.
 */
const maxSheetBytes = 3_500_000_000;

/**
 * Returns the bytes of COPY's text after which an incomplete line fails: no row that fits into cells is that long.
 * Without this limit a text of hundreds of megabytes would exceed the length of a string in V8.
 */
const lineBytes = (columns: number): number =>
  Math.max(64 * 1_024 * 1_024, columns * (maxCellBytes + 1));
/** A character of UTF-16 has at most 3 bytes in UTF-8, or 2 if COPY escapes it. */
const maxCellBytes = 3 * maxCharacters;

/** Characters of XML after which a chunk ends. */
const chunkCharacters = 64 * 1_024;
/** zlib's level 1 needs a third of the time of its default level, for a tenth more bytes. */
const compressionLevel = 1;

/** Returns the letters of a column: A, …, Z, AA, … */
export function columnLetters(index: number): string {
  const last = String.fromCharCode(65 + (index % 26));
  return index < 26 ? last : columnLetters(Math.floor(index / 26) - 1) + last;
}

/** The sizes at which a sheet is full. */
interface SheetSizes {
  rows: number;
  /** Bytes of XML. */
  bytes: number;
}

/**
 * Writes a workbook in constant memory while its rows arrive: the XML of one sheet after the other is deflated into
 * the zip, whose bytes are yielded immediately. A full sheet is followed by another one with the same header.
 */
export class XlsxEncoder implements Encoder {
  rows = 0;
  readonly #columns: readonly { name: string; letters: string; open: string; width: number }[];
  readonly #cells: readonly ((value: string) => string)[];
  readonly #max: SheetSizes;
  readonly #ranges: string[] = [];
  #batch: string[] = [];
  #at = 0;

  constructor(columns: readonly SourceColumn[], sizes: Partial<SheetSizes> = {}) {
    const cellTypes = columns.map(cellTypeOf);
    this.#columns = columns.map(({ name }, n) => {
      const letters = columnLetters(n);
      return { name, letters, open: `<c r="${letters}`, width: cellTypes[n]?.width ?? 0 };
    });
    this.#cells = cellTypes.map(({ write }) => write);
    this.#max = { rows: maxRows, bytes: maxSheetBytes, ...sizes };
  }

  async *encode(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    const zip = new ZipFile();
    const output = zip.outputStream.pipe(new PassThrough());
    const stop = new AbortController();
    // An error of the zip comes from its input, so `#fill` has seen it before.
    zip.on('error', (error: Error) => output.destroy(error));
    const filling = this.#fill(zip, source, stop.signal).catch((error: unknown) => {
      output.destroy(error instanceof Error ? error : new Error(String(error)));
    });
    try {
      for await (const chunk of output) yield chunk;
    } finally {
      stop.abort();
      await filling;
    }
  }

  async #fill(zip: ZipFile, source: AsyncIterable<Buffer>, signal: AbortSignal): Promise<void> {
    const addEntry = ([path, xml]: readonly [string, string]): void =>
      zip.addBuffer(Buffer.from(xml), path, { compressionLevel });
    for (const entry of openingEntries) addEntry(entry);
    const batches = splitCopyLines(source, lineBytes(this.#columns.length));
    try {
      do {
        const number = this.#ranges.length + 1;
        const sheet = Readable.from(this.#sheet(number, batches), {
          objectMode: false,
          highWaterMark: 1,
          signal,
        });
        zip.addReadStream(sheet, sheetPath(number), { compressionLevel });
        await finished(sheet);
      } while (await this.#hasRow(batches));
    } finally {
      await batches.return(undefined);
    }
    for (const entry of closingEntries(this.#ranges)) addEntry(entry);
    zip.end();
  }

  /** Returns whether there is another row; if so, it is at `#at` of the batch. */
  async #hasRow(batches: AsyncIterator<string[]>): Promise<boolean> {
    while (this.#at >= this.#batch.length) {
      const next = await batches.next().catch((error: unknown) => {
        throw error instanceof LineTooLongError ? this.#tooLong(error) : error;
      });
      if (next.done === true) return false;
      this.#batch = next.value;
      this.#at = 0;
    }
    return true;
  }

  async *#sheet(number: number, batches: AsyncIterator<string[]>): AsyncGenerator<Buffer> {
    const widths = this.#columns.map(({ width }) => width);
    const head = Buffer.from(sheetHeader({ number, widths }) + this.#header());
    yield head;
    let bytes = head.length;
    let row = 1;
    const isFull = (): boolean => row >= this.#max.rows || (bytes >= this.#max.bytes && row > 1);
    while (!isFull() && (await this.#hasRow(batches))) {
      let xml = '';
      for (; this.#at < this.#batch.length; this.#at++) {
        if (row >= this.#max.rows || xml.length >= chunkCharacters) break;
        row++;
        xml += this.#row(row, parseCopyFields(this.#batch[this.#at] ?? ''));
      }
      const chunk = Buffer.from(xml);
      bytes += chunk.length;
      yield chunk;
    }
    const last = columnLetters(this.#columns.length - 1);
    this.#ranges.push(`$A$1:$${last}$${row}`);
    yield Buffer.from(sheetFooter(`A1:${last}${row}`));
  }

  /** Returns the error for the next row, which is incomplete, so that its exact length is unknown. */
  #tooLong({ open }: LineTooLongError): UnencodableRowError {
    const n = open.findIndex((bytes) => bytes > maxCellBytes);
    return cellTooLong(
      `more than ${maxCharacters.toLocaleString('en')}`,
      this.rows + 1,
      this.#columns[n]?.name ?? '',
    );
  }

  #header(): string {
    const cells = this.#columns.map(
      ({ name, open }) => `${open}1" s="${styles.header}" t="inlineStr">${inlineString(name)}</c>`,
    );
    return `<row r="1">${cells.join('')}</row>`;
  }

  #row(row: number, fields: readonly TextField[]): string {
    if (fields.length !== this.#columns.length)
      throw new Error(`a row has ${fields.length} fields for ${this.#columns.length} columns`);
    this.rows++;
    let xml = `<row r="${row}">`;
    for (let n = 0; n < fields.length; n++) {
      const [value, column, write] = [fields[n], this.#columns[n], this.#cells[n]];
      if (typeof value !== 'string' || !column || !write) continue;
      assertFitsCell(value, this.rows, column.name);
      xml += `${column.open}${row}"${write(value)}`;
    }
    return `${xml}</row>`;
  }
}

/** Throws `cell_too_long` if the value has more characters than a cell can hold. */
export function assertFitsCell(value: TextField, row: number, column: string): void {
  const length = value?.length ?? 0;
  if (length > maxCharacters) throw cellTooLong(length.toLocaleString('en'), row, column);
}

const cellTooLong = (length: string, row: number, column: string): UnencodableRowError =>
  new UnencodableRowError('cell_too_long', row, {
    prefix: 'Row ',
    suffix: ` has ${length} characters in the column ${column}; a cell of a spreadsheet can have ${maxCharacters.toLocaleString('en')}. Leave the column out, or choose CSV.`,
  });
