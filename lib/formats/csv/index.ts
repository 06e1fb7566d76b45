import type { CsvOptions } from '../contracts/format-capabilities.ts';
import { copyCsv, copyCsvForSpreadsheets, type LocalTimes } from '../sources/copy-statements.ts';
import { formulaBegins, wideFormulaBegins } from '../sources/formulas.ts';
import { csvRows } from './csv-fields.ts';
import { asItComes, type Format, nothing } from './format.ts';
import { LineEnds } from './line-ends.ts';

/**
 * CSV as PostgreSQL writes it (COPY … FORMAT csv): comma, LF, quotes where needed, NULL as nothing and
 * the empty string as "", as far as it is not asked for otherwise.
 * https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-CSV-FORMAT
 */
export const csv = (options: CsvOptions): Format => ({
  extension: 'csv',
  contentType: 'text/csv; charset=utf-8',
  pagesOfPart: 512,
  // The server sends no other line ends.
  encodedBeside: options.newline === 'crlf',
  isText: true,
  copy: (selection) => copyCsv(selection, options),
  prologue: (columns) =>
    header(
      columns.map(({ name }) => name),
      options,
    ),
  encoder: options.newline === 'crlf' ? () => new LineEnds() : asItComes,
  glue: () => nothing,
  epilogue: () => nothing,
  fileType: () => 'text',
  show: (_, copied) => csvRows(copied.toString(), options),
});

/**
 * The same for people who open it in a spreadsheet, by what it says to one: the byte order mark that it is
 * UTF-8, a `'` before text that it is no formula, quotes that a `;` or a tab in it is text.
 */
export const csvForSpreadsheets = (times: LocalTimes, options: CsvOptions): Format => ({
  ...csv(options),
  copy: (selection) => copyCsvForSpreadsheets(selection, times, options),
  prologue: (columns) =>
    Buffer.concat([
      byteOrderMark,
      header(
        columns.map(({ name }) => asText(name)),
        options,
        /[,;\t]/,
      ),
    ]),
});

const byteOrderMark = Buffer.from('\ufeff');

const asText = (name: string): string =>
  [...formulaBegins, ...wideFormulaBegins].includes(name.charAt(0)) ? `'${name}` : name;

/** Quoted by the rule of COPY's own header: a lone `\.` would read as the end of the data. */
function header(
  names: readonly string[],
  { delimiter, nullText, quote, newline }: CsvOptions,
  alsoQuoted?: RegExp,
): Buffer {
  const fields = names.map((name) =>
    quote === 'all' ||
    name === nullText ||
    name.includes(delimiter) ||
    /["\n\r]/.test(name) ||
    alsoQuoted?.test(name) ||
    (names.length === 1 && name === '\\.')
      ? `"${name.replaceAll('"', '""')}"`
      : name,
  );
  return Buffer.from(`${fields.join(delimiter)}${newline === 'crlf' ? '\r\n' : '\n'}`);
}
