import { copyCsv, copyCsvForSpreadsheets } from '../sources/copy-statements.ts';
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
  prologue: (columns) =>
    Buffer.from(`${columns.map(({ name }) => headerField(name, columns.length)).join(',')}\n`),
  encoder: asItComes,
  glue: () => nothing,
  epilogue: () => nothing,
  fileType: () => 'text',
  show: (_, copied) => csvRows(copied.toString()),
};

/**
 * The same for people who open it in a spreadsheet, by what it says to one: the byte order mark that it is
 * UTF-8, a `'` before text that it is no formula.
 */
export const csvForSpreadsheets = (timeZone: string): Format => ({
  ...csv,
  copy: (selection) => copyCsvForSpreadsheets(selection, timeZone),
  prologue: (columns) => {
    const names = columns.map(({ name }) => ({ name: asText(name) }));
    return Buffer.concat([byteOrderMark, csv.prologue(names)]);
  },
});

const byteOrderMark = Buffer.from('\ufeff');

const asText = (name: string): string => (/^[-=+@\t\r]/.test(name) ? `'${name}` : name);

/** Quoted by the rule of COPY's own header: a lone `\.` would read as the end of the data. */
function headerField(name: string, fields: number): string {
  const quoted = /[",\n\r]/.test(name) || (fields === 1 && name === '\\.');
  return quoted ? `"${name.replaceAll('"', '""')}"` : name;
}
