import type { Shown } from './format.ts';

const quoted = /"([^"]*(?:""[^"]*)*)"(,|\n)/y;
const plain = /([^",\n]*)(,|\n)/y;

/**
 * Takes CSV as COPY writes it apart (RFC 4180, LF): NULL is nothing, the empty string is `""`. A row that
 * does not end is left out.
 */
export function csvRows(text: string): Shown[][] {
  const rows: Shown[][] = [];
  let row: Shown[] = [];
  let at = 0;
  while (at < text.length) {
    const isQuoted = text[at] === '"';
    const pattern = isQuoted ? quoted : plain;
    pattern.lastIndex = at;
    const [field, value = '', end] = pattern.exec(text) ?? [];
    if (field === undefined) break;
    at += field.length;
    row.push(isQuoted ? value.replaceAll('""', '"') : value === '' ? null : value);
    if (end === ',') continue;
    rows.push(row);
    row = [];
  }
  return rows;
}
