const letters: Record<string, string> = {
  '\b': 'b',
  '\f': 'f',
  '\n': 'n',
  '\r': 'r',
  '\t': 't',
  '\v': 'v',
  '\\': '\\',
};

const escaped = (value: string | null): string =>
  value === null
    ? '\\N'
    : value.replaceAll(/[\b\f\n\r\t\v\\]/g, (character) => `\\${letters[character] ?? ''}`);

/** Returns rows in COPY's text format, as PostgreSQL writes it (CopyAttributeOutText). */
export const toCopyText = (rows: readonly (readonly (string | null)[])[]): Buffer =>
  Buffer.from(rows.map((row) => `${row.map(escaped).join('\t')}\n`).join(''));
