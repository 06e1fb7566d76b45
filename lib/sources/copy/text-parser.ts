/** A value as PostgreSQL writes it; null is NULL, which the empty string is not. */
export type Field = string | null;

const lineFeed = 0x0a;
const tab = 0x09;

/** A line that has not ended within the bytes that it may have. */
export class LongLine extends Error {
  /** How many bytes each of its fields has, the last of which has not ended. */
  readonly open: number[];

  constructor(open: readonly Buffer[]) {
    super('a line is too long');
    this.open = lengthsOf(open);
  }
}

function lengthsOf(pieces: readonly Buffer[]): number[] {
  const lengths = [0];
  const add = (bytes: number): void => {
    lengths.push((lengths.pop() ?? 0) + bytes);
  };
  for (const piece of pieces) {
    let from = 0;
    for (let at = piece.indexOf(tab); at !== -1; at = piece.indexOf(tab, from)) {
      add(at - from);
      lengths.push(0);
      from = at + 1;
    }
    add(piece.length - from);
  }
  return lengths;
}

/**
 * Reads COPY's text form, in pieces cut anywhere: the lines of the rows, some at a time. In it a line feed
 * or a tab is never part of a value, and no other character of UTF-8 has their byte in it. Throws `LongLine`.
 * https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-TEXT-FORMAT
 */
export async function* copyLines(
  source: AsyncIterable<Buffer>,
  mostBytes: number,
): AsyncGenerator<string[]> {
  let open: Buffer[] = [];
  let openBytes = 0;
  for await (const piece of source) {
    const end = piece.lastIndexOf(lineFeed);
    openBytes = end === -1 ? openBytes + piece.length : piece.length - end - 1;
    if (end === -1) {
      if (piece.length > 0) open.push(Buffer.from(piece));
      if (openBytes > mostBytes) throw new LongLine(open);
      continue;
    }
    const whole = piece.subarray(0, end);
    const text = open.length === 0 ? whole : Buffer.concat([...open, whole]);
    // A copy: the piece is another's when the next is asked for.
    open = end + 1 < piece.length ? [Buffer.from(piece.subarray(end + 1))] : [];
    yield text.toString().split('\n');
  }
  if (open.length > 0) throw new Error('the rows end inside a row');
}

/** Each row when it is its turn: those of a whole piece at once would outlive the young generation. */
export const fieldsOf = (line: string): Field[] => line.split('\t').map(fieldOf);

function fieldOf(field: string): Field {
  if (!field.includes('\\')) return field;
  return field === '\\N' ? null : field.replaceAll(/\\(.)/g, unescaped);
}

/** COPY TO writes no other sequences; a backslash before any other character is that character. */
const sequences: Record<string, string> = {
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

const unescaped = (_: string, letter: string): string => sequences[letter] ?? letter;
