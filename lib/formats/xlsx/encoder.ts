import { PassThrough, Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { ZipFile } from 'yazl';
import type { SourceColumn } from '../../sources/datasets.ts';
import type { Encoder } from '../format.ts';
import { UnfitRow } from '../unfit-row.ts';
import { kindOf } from './cells.ts';
import { copyLines, type Field, fieldsOf, LongLine } from './copy-text.ts';
import { closingParts, leadingParts, sheetFoot, sheetHead, sheetPath } from './package.ts';
import { styles } from './styles.ts';
import { inlineString } from './text.ts';

/** What a spreadsheet takes: https://support.microsoft.com/office/excel-specifications-and-limits */
const mostRows = 1_048_576;
const mostCharacters = 32_767;

/**
 * Bytes of XML behind which no row of a sheet begins. From 4 GiB on its zip entry would be one of zip64, which
 * Excel offers to repair and exceljs refuses; a row of 1,664 columns of characters that are escaped has 370 MB.
 */
const mostBytes = 3_500_000_000;

/**
 * Bytes in COPY's text behind which a line is not waited for to end: no row that fits into cells has as many.
 * A text of hundreds of megabytes has no room in a string of V8, of which a cell would be made.
 */
const lineBytes = (columns: number): number =>
  Math.max(64 * 1_024 * 1_024, columns * (mostBytesOfCell + 1));
/** Of a character of UTF-16 there are three, or two where it is escaped. */
const mostBytesOfCell = 3 * mostCharacters;

/** XML is handed on in pieces of about so many characters. */
const pieceCharacters = 64 * 1_024;
/** Of zlib: a third of the time of its default, for a tenth more bytes. */
const compressionLevel = 1;

/** A, …, Z, AA, … */
export function columnLetters(index: number): string {
  const last = String.fromCharCode(65 + (index % 26));
  return index < 26 ? last : columnLetters(Math.floor(index / 26) - 1) + last;
}

/** What a sheet holds before another is begun. */
interface SheetSizes {
  rows: number;
  /** Of XML. */
  bytes: number;
}

/**
 * Writes a workbook as its rows come, in memory that does not depend on how many there are: the XML of
 * one sheet after the other, deflated into the zip, whose bytes go on at once. A sheet that is full is
 * followed by another, with a header of its own.
 */
export class XlsxWriter implements Encoder {
  rows = 0;
  readonly #columns: readonly { name: string; letters: string; open: string; width: number }[];
  readonly #cells: readonly ((value: string) => string)[];
  readonly #most: SheetSizes;
  readonly #ranges: string[] = [];
  #batch: string[] = [];
  #at = 0;

  constructor(columns: readonly SourceColumn[], sizes: Partial<SheetSizes> = {}) {
    const kinds = columns.map(kindOf);
    this.#columns = columns.map(({ name }, n) => {
      const letters = columnLetters(n);
      return { name, letters, open: `<c r="${letters}`, width: kinds[n]?.width ?? 0 };
    });
    this.#cells = kinds.map(({ write }) => write);
    this.#most = { rows: mostRows, bytes: mostBytes, ...sizes };
  }

  async *encode(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    const zip = new ZipFile();
    const output = zip.outputStream.pipe(new PassThrough());
    const stop = new AbortController();
    // Its own errors are of what it is given, which `#fill` sees first.
    zip.on('error', (error: Error) => output.destroy(error));
    const filled = this.#fill(zip, source, stop.signal).catch((error: unknown) => {
      output.destroy(error instanceof Error ? error : new Error(String(error)));
    });
    try {
      for await (const piece of output) yield piece;
    } finally {
      stop.abort();
      await filled;
    }
  }

  async #fill(zip: ZipFile, source: AsyncIterable<Buffer>, signal: AbortSignal): Promise<void> {
    const put = ([path, xml]: readonly [string, string]): void =>
      zip.addBuffer(Buffer.from(xml), path, { compressionLevel });
    for (const part of leadingParts) put(part);
    const batches = copyLines(source, lineBytes(this.#columns.length));
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
    for (const part of closingParts(this.#ranges)) put(part);
    zip.end();
  }

  /** Whether there is another row; it stands at `#at` of the batch. */
  async #hasRow(batches: AsyncIterator<string[]>): Promise<boolean> {
    while (this.#at >= this.#batch.length) {
      const next = await batches.next().catch((error: unknown) => {
        throw error instanceof LongLine ? this.#tooLong(error) : error;
      });
      if (next.done === true) return false;
      this.#batch = next.value;
      this.#at = 0;
    }
    return true;
  }

  async *#sheet(number: number, batches: AsyncIterator<string[]>): AsyncGenerator<Buffer> {
    const widths = this.#columns.map(({ width }) => width);
    const head = Buffer.from(sheetHead({ number, widths }) + this.#header());
    yield head;
    let bytes = head.length;
    let row = 1;
    const isFull = (): boolean => row >= this.#most.rows || (bytes >= this.#most.bytes && row > 1);
    while (!isFull() && (await this.#hasRow(batches))) {
      let xml = '';
      for (; this.#at < this.#batch.length; this.#at++) {
        if (row >= this.#most.rows || xml.length >= pieceCharacters) break;
        row++;
        xml += this.#row(row, fieldsOf(this.#batch[this.#at] ?? ''));
      }
      const piece = Buffer.from(xml);
      bytes += piece.length;
      yield piece;
    }
    const last = columnLetters(this.#columns.length - 1);
    this.#ranges.push(`$A$1:$${last}$${row}`);
    yield Buffer.from(sheetFoot(`A1:${last}${row}`));
  }

  /** The next row, whose length nobody has seen. */
  #tooLong({ open }: LongLine): UnfitRow {
    const n = open.findIndex((bytes) => bytes > mostBytesOfCell);
    return cellTooLong(
      `more than ${mostCharacters.toLocaleString('en')}`,
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

  #row(row: number, fields: readonly Field[]): string {
    if (fields.length !== this.#columns.length)
      throw new Error(`a row of ${fields.length} fields for ${this.#columns.length} columns`);
    this.rows++;
    let xml = `<row r="${row}">`;
    for (let n = 0; n < fields.length; n++) {
      const [value, column, write] = [fields[n], this.#columns[n], this.#cells[n]];
      if (typeof value !== 'string' || !column || !write) continue;
      requireCell(value, this.rows, column.name);
      xml += `${column.open}${row}"${write(value)}`;
    }
    return `${xml}</row>`;
  }
}

/** Throws `cell_too_long` for a value that no cell holds. */
export function requireCell(value: Field, row: number, column: string): void {
  const length = value?.length ?? 0;
  if (length > mostCharacters) throw cellTooLong(length.toLocaleString('en'), row, column);
}

const cellTooLong = (length: string, row: number, column: string): UnfitRow =>
  new UnfitRow('cell_too_long', row, {
    before: 'Row ',
    behind: ` has ${length} characters in the column ${column}; a cell of a spreadsheet holds ${mostCharacters.toLocaleString('en')}. Leave the column out, or ask for csv.`,
  });
