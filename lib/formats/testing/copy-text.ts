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
    : value.replaceAll(/[\b\f\n\r\t\v\\]/g, (sign) => `\\${letters[sign] ?? ''}`);

/** COPY's text form as PostgreSQL writes it (CopyAttributeOutText), for the tests. */
export const copiedText = (rows: readonly (readonly (string | null)[])[]): Buffer =>
  Buffer.from(rows.map((row) => `${row.map(escaped).join('\t')}\n`).join(''));
