import type { CsvOptions } from '../../contracts/format-capabilities.ts';
import { csvKernel } from '../../kernels/csv-kernel.ts';
import { textKernelBytes } from '../../kernels/text-kernel.ts';
import { copyCsv, copyCsvForSpreadsheets, type LocalTimes } from '../../sources/copy/statements.ts';
import { formulaBegins, wideFormulaBegins } from '../../sources/csv-injection.ts';
import { emptyBuffer, type Format, passthroughEncoder } from '../format.ts';
import { CrlfEncoder } from './crlf-encoder.ts';
import { parseCsv } from './parse.ts';

/**
 * CSV as PostgreSQL writes it (COPY … FORMAT csv). Unless `options` differ: comma, LF, quotes where needed, NULL as
 * an empty field and the empty string as "".
 * https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-CSV-FORMAT
 */
export const csv = (options: CsvOptions): Format => ({
  extension: 'csv',
  contentType: 'text/csv; charset=utf-8',
  pagesPerRange: 512,
  // The server ends rows with LF only.
  encodesInWorker: options.newline === 'crlf',
  isText: true,
  copy: (selection) => copyCsv(selection, options),
  copyEncoding: copyEncoding(options, options.quote === 'all'),
  header: (columns) =>
    header(
      columns.map(({ name }) => name),
      options,
    ),
  encoder: options.newline === 'crlf' ? () => new CrlfEncoder() : passthroughEncoder,
  kernelBytes: textKernelBytes,
  kernel: () => csvKernel(options.newline === 'crlf'),
  separator: () => emptyBuffer,
  footer: () => emptyBuffer,
  fileType: () => 'text',
  preview: (_, copyOutput) => parseCsv(copyOutput.toString(), options),
});

/**
 * CSV for people who open it in a spreadsheet. The byte order mark marks it as UTF-8, a `'` before a text keeps it
 * from being read as a formula, and quotes keep a `;` or a tab inside a field.
 */
export const csvForSpreadsheets = (times: LocalTimes, options: CsvOptions): Format => ({
  ...csv(options),
  copy: (selection) => copyCsvForSpreadsheets(selection, times, options),
  copyEncoding: copyEncoding(options, true),
  header: (columns) =>
    Buffer.concat([
      byteOrderMark,
      header(
        columns.map(({ name }) => asText(name)),
        options,
        /[,;\t]/,
      ),
    ]),
});

const copyEncoding = (
  { delimiter, nullText }: CsvOptions,
  isQuoted: boolean,
): Format['copyEncoding'] => ({ kind: 'csv', delimiter, nullText, isQuoted });

const byteOrderMark = Buffer.from('\ufeff');

const asText = (name: string): string =>
  [...formulaBegins, ...wideFormulaBegins].includes(name.charAt(0)) ? `'${name}` : name;

/** Returns the header row, quoted by the rule of COPY's own header: a lone `\.` would be read as the end of the data. */
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
