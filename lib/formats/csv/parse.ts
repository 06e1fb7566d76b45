import type { CsvOptions } from '../contracts/format-capabilities.ts';
import type { Shown } from './format.ts';

/**
 * Takes CSV as COPY writes it apart (RFC 4180, LF): NULL is `nullText` without quotes, which a text has that is
 * the same. A row that does not end is left out.
 */
export function csvRows(
  text: string,
  { delimiter, nullText }: Pick<CsvOptions, 'delimiter' | 'nullText'>,
): Shown[][] {
  // In a class of characters none of them means another.
  const quoted = new RegExp(`"([^"]*(?:""[^"]*)*)"([${delimiter}\n])`, 'y');
  const plain = new RegExp(`([^"${delimiter}\n]*)([${delimiter}\n])`, 'y');
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
    row.push(isQuoted ? value.replaceAll('""', '"') : value === nullText ? null : value);
    if (end === delimiter) continue;
    rows.push(row);
    row = [];
  }
  return rows;
}
