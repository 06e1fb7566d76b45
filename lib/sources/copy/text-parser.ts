/** A value as PostgreSQL writes it; null is NULL. */
export type TextField = string | null;

const lineFeed = 0x0a;
const tab = 0x09;

/** A line did not end within its maximum number of bytes. */
export class LineTooLongError extends Error {
  /** Bytes of each of its fields; the last field is incomplete. */
  readonly open: number[];

  constructor(chunks: readonly Buffer[]) {
    super('a line is too long');
    this.open = fieldLengths(chunks);
  }
}

function fieldLengths(chunks: readonly Buffer[]): number[] {
  const lengths = [0];
  const add = (bytes: number): void => {
    lengths.push((lengths.pop() ?? 0) + bytes);
  };
  for (const chunk of chunks) {
    let from = 0;
    for (let at = chunk.indexOf(tab); at !== -1; at = chunk.indexOf(tab, from)) {
      add(at - from);
      lengths.push(0);
      from = at + 1;
    }
    add(chunk.length - from);
  }
  return lengths;
}

/**
 * Splits COPY's text format, in chunks cut anywhere, into lines, one for each row, and yields them in batches.
 * In it a line feed or a tab is never part of a value, and no other character of UTF-8 contains their byte.
 * Throws `LineTooLongError`.
 * https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-TEXT-FORMAT
 */
export async function* splitCopyLines(
  source: AsyncIterable<Buffer>,
  maxBytes: number,
): AsyncGenerator<string[]> {
  let lineStart: Buffer[] = [];
  let lineBytes = 0;
  for await (const chunk of source) {
    const end = chunk.lastIndexOf(lineFeed);
    lineBytes = end === -1 ? lineBytes + chunk.length : chunk.length - end - 1;
    if (end === -1) {
      if (chunk.length > 0) lineStart.push(Buffer.from(chunk));
      if (lineBytes > maxBytes) throw new LineTooLongError(lineStart);
      continue;
    }
    const whole = chunk.subarray(0, end);
    const text = lineStart.length === 0 ? whole : Buffer.concat([...lineStart, whole]);
    // Copied, because the source may reuse the chunk once the next one is requested.
    lineStart = end + 1 < chunk.length ? [Buffer.from(chunk.subarray(end + 1))] : [];
    yield text.toString().split('\n');
  }
  if (lineStart.length > 0) throw new Error('the rows end inside a row');
}

/** Parses one line. Call it row by row: the fields of a whole chunk would outlive V8's young generation. */
export const parseCopyFields = (line: string): TextField[] => line.split('\t').map(parseCopyField);

function parseCopyField(field: string): TextField {
  if (!field.includes('\\')) return field;
  return field === '\\N' ? null : field.replaceAll(/\\(.)/g, unescape);
}

/** COPY TO writes no other sequences; a backslash before any other character is that character. */
const escapes: Record<string, string> = {
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

const unescape = (_: string, letter: string): string => escapes[letter] ?? letter;
