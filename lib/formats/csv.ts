import { copyCsv, copyCsvForSpreadsheets } from '../sources/copy-statements.ts';
import { formulaBegins, wideFormulaBegins } from '../sources/formulas.ts';
import { csvRows } from './csv-fields.ts';
import { asItComes, type Format, nothing } from './format.ts';

/**
 * CSV as PostgreSQL writes it (COPY … FORMAT csv): comma, LF, quotes where needed, NULL as nothing and
 * the empty string as "". https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-CSV-FORMAT
 */
export const csv: Format = {
  extension: 'csv',
  contentType: 'text/csv; charset=utf-8',
  pagesOfPart: 512,
  encodedBeside: false,
  isText: true,
  copy: copyCsv,
  prologue: (columns) => header(columns.map(({ name }) => name)),
  encoder: asItComes,
  glue: () => nothing,
  epilogue: () => nothing,
  fileType: () => 'text',
  show: (_, copied) => csvRows(copied.toString()),
};

/**
 * The same for people who open it in a spreadsheet, by what it says to one: the byte order mark that it is
 * UTF-8, a `'` before text that it is no formula, quotes that a `;` or a tab in it is text.
 */
export const csvForSpreadsheets = (timeZone: string): Format => ({
  ...csv,
  copy: (selection) => copyCsvForSpreadsheets(selection, timeZone),
  prologue: (columns) =>
    Buffer.concat([
      byteOrderMark,
      header(
        columns.map(({ name }) => asText(name)),
        /[",;\t\n\r]/,
      ),
    ]),
});

const byteOrderMark = Buffer.from('\ufeff');

const asText = (name: string): string =>
  [...formulaBegins, ...wideFormulaBegins].includes(name.charAt(0)) ? `'${name}` : name;

/** Quoted by the rule of COPY's own header: a lone `\.` would read as the end of the data. */
function header(names: readonly string[], needsQuotes: RegExp = /[",\n\r]/): Buffer {
  const fields = names.map((name) =>
    needsQuotes.test(name) || (names.length === 1 && name === '\\.')
      ? `"${name.replaceAll('"', '""')}"`
      : name,
  );
  return Buffer.from(`${fields.join(',')}\n`);
}
