// Rows as the CSV that `COPY ... FROM STDIN (FORMAT csv)` reads with its default options: an unquoted empty
// field is NULL, a quoted one is the empty string.
//
// csv-writer alone gets two cases wrong for COPY:
// - it writes '' and null alike, as nothing, even when told to quote always;
// - unless told to quote always, it leaves a field with \r and no other special character bare, and COPY refuses that.
// So '' is handed over as an object whose text is '', and a row with either of them is written with every field
// quoted. Quoting every row would be right too, but takes twice the time on rows of short fields.

import { createArrayCsvStringifier } from 'csv-writer';

type Field = string | number | null;
export type Row = Field[];

const ROWS_PER_CHUNK = 400; // 20 to 70 KB of these tables

const EMPTY_TEXT = { toString: () => '' };
const quotingWhatNeedsIt = createArrayCsvStringifier({});
const quotingAll = createArrayCsvStringifier({ alwaysQuote: true });

/** CSV text of the rows, in chunks that end at the end of a row. Holds one chunk's rows at a time. */
export function* csvChunks(rows: Iterable<Row>): Generator<string> {
  let chunk: Row[] = [];
  for (const row of rows) {
    chunk.push(row);
    if (chunk.length === ROWS_PER_CHUNK) {
      yield csv(chunk);
      chunk = [];
    }
  }
  if (chunk.length > 0) yield csv(chunk);
}

function csv(chunk: Row[]): string {
  let text = '';
  let plain: Row[] = []; // rows since the last one that must be quoted: csv-writer is quicker with many at once
  for (const row of chunk) {
    if (!row.some(mustBeQuoted)) {
      plain.push(row);
      continue;
    }
    if (plain.length > 0) text += quotingWhatNeedsIt.stringifyRecords(plain);
    text += quotingAll.stringifyRecords([row.map((field) => (field === '' ? EMPTY_TEXT : field))]);
    plain = [];
  }
  return plain.length > 0 ? text + quotingWhatNeedsIt.stringifyRecords(plain) : text;
}

function mustBeQuoted(field: Field): boolean {
  return typeof field === 'string' && (field === '' || field.includes('\r'));
}
