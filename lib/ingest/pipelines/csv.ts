/** A row with the number of its line in the record, from 1. */
export interface CsvRow {
  line: number;
  fields: string[];
}

/**
 * Parses CSV (RFC 4180), with lines that end in LF or CRLF; the last one needs no end. Empty lines are left out. Throws an
 * error that names the line.
 *
 * @param delimiter one character
 */
export function parseCsvRows(text: string, delimiter: string): CsvRow[] {
  return text.includes('"') ? parseQuoted(text, delimiter) : splitUnquoted(text, delimiter);
}

function splitUnquoted(text: string, delimiter: string): CsvRow[] {
  const rows: CsvRow[] = [];
  for (const [index, each] of text.split('\n').entries()) {
    const line = each.endsWith('\r') ? each.slice(0, -1) : each;
    if (line !== '') rows.push({ line: index + 1, fields: line.split(delimiter) });
  }
  return rows;
}

function parseQuoted(text: string, delimiter: string): CsvRow[] {
  const rows: CsvRow[] = [];
  let fields: string[] = [];
  let line = 1;
  let startLine = 1;
  let at = 0;
  for (;;) {
    const field = text[at] === '"' ? quotedField(text, at, line) : plainField(text, at, delimiter);
    line += field.lines;
    at = field.end;
    fields.push(field.value);
    if (text[at] === delimiter) {
      at++;
      continue;
    }
    const lineEnd = lineEndAt(text, at);
    if (lineEnd === undefined)
      throw new Error(`line ${line}: a quotation mark is not at the beginning or end of a field`);
    // An empty line has one empty field, written without quotes.
    if (fields.length > 1 || fields[0] !== '' || field.isQuoted)
      rows.push({ line: startLine, fields });
    if (at === text.length) return rows;
    at += lineEnd;
    line++;
    startLine = line;
    fields = [];
  }
}

interface Field {
  value: string;
  end: number;
  /** Line ends within the field. */
  lines: number;
  isQuoted: boolean;
}

function quotedField(text: string, start: number, line: number): Field {
  let end = text.indexOf('"', start + 1);
  while (end !== -1 && text[end + 1] === '"') end = text.indexOf('"', end + 2);
  if (end === -1) throw new Error(`line ${line}: a quotation mark is not closed`);
  const raw = text.slice(start + 1, end);
  return {
    value: raw.replaceAll('""', '"'),
    end: end + 1,
    lines: raw.split('\n').length - 1,
    isQuoted: true,
  };
}

/** Ends at the first delimiter, line end or quotation mark. */
function plainField(text: string, start: number, delimiter: string): Field {
  let end = start;
  while (end < text.length) {
    const character = text[end];
    if (character === delimiter || character === '"' || lineEndAt(text, end) !== undefined) break;
    end++;
  }
  return { value: text.slice(start, end), end, lines: 0, isQuoted: false };
}

/** Returns the length of the line end at a position, 0 at the end of the text, undefined anywhere else. */
function lineEndAt(text: string, at: number): number | undefined {
  if (at >= text.length) return 0;
  if (text[at] === '\n') return 1;
  return text[at] === '\r' && text[at + 1] === '\n' ? 2 : undefined;
}
