import type { CsvOptions } from '../../contracts/format-capabilities.ts';
import type { PreviewValue } from '../format.ts';

/**
 * Parses CSV as COPY writes it (RFC 4180, LF). `nullText` without quotes is NULL; COPY quotes a text that is the
 * same. Leaves out a last row that is incomplete.
 */
export function parseCsv(
  text: string,
  { delimiter, nullText }: Pick<CsvOptions, 'delimiter' | 'nullText'>,
): PreviewValue[][] {
  // No delimiter has a special meaning inside a character class.
  const quoted = new RegExp(`"([^"]*(?:""[^"]*)*)"([${delimiter}\n])`, 'y');
  const plain = new RegExp(`([^"${delimiter}\n]*)([${delimiter}\n])`, 'y');
  const rows: PreviewValue[][] = [];
  let row: PreviewValue[] = [];
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
