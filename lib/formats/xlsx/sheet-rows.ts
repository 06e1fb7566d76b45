import {
  type LineTooLongError,
  parseCopyFields,
  type TextField,
} from '../../sources/copy/text-parser.ts';
import type { SourceColumn } from '../../sources/datasets.ts';
import { UnencodableRowError } from '../unencodable-row.ts';
import { cellTypeOf } from './cells.ts';
import { styles } from './styles.ts';
import { inlineString } from './xml-text.ts';

export type SheetColumn = Pick<SourceColumn, 'name' | 'base'>;

/** The limit of Excel: https://support.microsoft.com/office/excel-specifications-and-limits */
const maxCharacters = 32_767;
/** A character of UTF-16 has at most 3 bytes in UTF-8, or 2 if COPY escapes it. */
const maxCellBytes = 3 * maxCharacters;

/**
 * Returns the bytes of COPY's text after which an incomplete line fails: no row that fits into cells is that long.
 * Without this limit a text of hundreds of megabytes would exceed the length of a string in V8.
 */
export const maxLineBytes = (columns: number): number =>
  Math.max(64 * 1_024 * 1_024, columns * (maxCellBytes + 1));

/** The fixed parts of a row. */
export const rowMarkup = { start: '<row r="', open: '">', end: '</row>' } as const;

/** Returns the letters of a column: A, …, Z, AA, … */
export function columnLetters(index: number): string {
  const last = String.fromCharCode(65 + (index % 26));
  return index < 26 ? last : columnLetters(Math.floor(index / 26) - 1) + last;
}

/** Returns what precedes the number of the row in each cell of a column. */
export const cellStart = (column: number): string => `<c r="${columnLetters(column)}`;

/** Writes rows of a sheet as XML (ECMA-376 part 1, 18.3.1.73), out of lines of COPY's text format. */
export class SheetRows {
  /** The row of the column names. */
  readonly header: string;
  readonly #columns: readonly { name: string; start: string; write: (value: string) => string }[];

  constructor(columns: readonly SheetColumn[]) {
    this.#columns = columns.map((column, n) => ({
      name: column.name,
      start: cellStart(n),
      write: cellTypeOf(column).write,
    }));
    const cells = this.#columns.map(
      ({ name, start }) =>
        `${start}1" s="${styles.header}" t="inlineStr">${inlineString(name)}</c>`,
    );
    this.header = `${rowMarkup.start}1${rowMarkup.open}${cells.join('')}${rowMarkup.end}`;
  }

  /**
   * Returns the XML of a row.
   *
   * @param number of the row in its sheet
   * @param row its number among all rows, from 1, for errors
   */
  xml(line: string, number: number, row: number): string {
    const fields = parseCopyFields(line);
    if (fields.length !== this.#columns.length)
      throw new Error(`a row has ${fields.length} fields for ${this.#columns.length} columns`);
    let xml = `${rowMarkup.start}${number}${rowMarkup.open}`;
    for (let n = 0; n < fields.length; n++) {
      const [value, column] = [fields[n], this.#columns[n]];
      if (typeof value !== 'string' || !column) continue;
      assertFitsCell(value, row, column.name);
      xml += `${column.start}${number}"${column.write(value)}`;
    }
    return `${xml}${rowMarkup.end}`;
  }

  /** Returns the error for a row that is incomplete, so that its exact length is unknown. */
  tooLong({ open }: LineTooLongError, row: number): UnencodableRowError {
    const n = open.findIndex((bytes) => bytes > maxCellBytes);
    return cellTooLong(
      `more than ${maxCharacters.toLocaleString('en')}`,
      row,
      this.#columns[n]?.name ?? '',
    );
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
