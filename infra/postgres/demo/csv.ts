// Writes rows as CSV for `COPY ... FROM STDIN (FORMAT csv)` with its default options: an unquoted empty field is NULL,
// a quoted one is the empty string.
//
// csv-writer writes two cases incorrectly for COPY:
// - '' and null are both empty and unquoted, even with `alwaysQuote`;
// - without `alwaysQuote` a field with \r and no other special character is unquoted, which COPY rejects.
// Therefore '' is passed as an object whose text is '', and a row with one of these cases is written with every field
// quoted. Quoting every row would be correct, too, but takes twice the time for rows of short fields.

import csvWriter from 'csv-writer/dist/index.js';

type Field = string | number | null;
export type Row = Field[];

const rowsPerChunk = 400; // 20 to 70 KB of these tables

const emptyText = { toString: () => '' };
const quotingWhatNeedsIt = csvWriter.createArrayCsvStringifier({});
const quotingAll = csvWriter.createArrayCsvStringifier({ alwaysQuote: true });

/** Yields the rows as CSV in chunks that end with a row. Keeps the rows of one chunk in memory. */
export function* csvChunks(rows: Iterable<Row>): Generator<string> {
  let chunk: Row[] = [];
  for (const row of rows) {
    chunk.push(row);
    if (chunk.length === rowsPerChunk) {
      yield csv(chunk);
      chunk = [];
    }
  }
  if (chunk.length > 0) yield csv(chunk);
}

function csv(chunk: Row[]): string {
  let text = '';
  let plain: Row[] = []; // rows since the last quoted one: csv-writer is faster with many rows per call
  for (const row of chunk) {
    if (!row.some(mustBeQuoted)) {
      plain.push(row);
      continue;
    }
    if (plain.length > 0) text += quotingWhatNeedsIt.stringifyRecords(plain);
    text += quotingAll.stringifyRecords([row.map((field) => (field === '' ? emptyText : field))]);
    plain = [];
  }
  return plain.length > 0 ? text + quotingWhatNeedsIt.stringifyRecords(plain) : text;
}

function mustBeQuoted(field: Field): boolean {
  return typeof field === 'string' && (field === '' || field.includes('\r'));
}
