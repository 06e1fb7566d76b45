import { Readable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { readXlsx } from 'hucre/xlsx';
import { plainCsv } from '../contracts/format-capabilities.ts';
import { copiedText } from './copied-text.ts';
import { csvRows } from './csv-fields.ts';
import { formatOf, type Wanted } from './index.ts';

/** What the pieces of a text are full of: every kind of value, at every size at which a piece may end wrongly. */
interface Type {
  base: string;
  copied: (n: number) => string;
  /** What JSON and a workbook have of it; absent: the text. */
  json?: (n: number) => unknown;
  cell?: (n: number) => unknown;
}

const types: Type[] = [
  { base: 'integer', copied: String, json: (n) => n, cell: (n) => n },
  { base: 'bigint', copied: String, cell: (n) => n },
  { base: 'numeric(12,2)', copied: (n) => `${n}.50`, cell: (n) => n + 0.5 },
  {
    base: 'double precision',
    copied: (n) => `${n}.25`,
    json: (n) => n + 0.25,
    cell: (n) => n + 0.25,
  },
  {
    base: 'boolean',
    copied: (n) => (n % 3 ? 't' : 'f'),
    json: (n) => n % 3 > 0,
    cell: (n) => n % 3 > 0,
  },
  {
    base: 'timestamp without time zone',
    copied: (n) => `2024-01-01 00:00:${String(n % 60).padStart(2, '0')}`,
    json: (n) => `2024-01-01T00:00:${String(n % 60).padStart(2, '0')}`,
    cell: (n) => new Date(Date.UTC(2024, 0, 1, 0, 0, n % 60)),
  },
  { base: 'text', copied: (n) => `é"\n\\${n}` },
  { base: 'jsonb', copied: (n) => `{"n": ${n}}`, json: (n) => ({ n }) },
  {
    base: 'integer[]',
    copied: (n) => `[${n},null]`,
    json: (n) => [n, null],
    cell: (n) => `[${n},null]`,
  },
];

const fillings: Record<string, (n: number) => boolean> = {
  'all of them': () => true,
  'some NULL': (n) => n % 3 !== 1,
  'all NULL': () => false,
};

/** Rows whose text is about so many bytes, one fewer, one more, and three times as many. */
const countsFor = (filling: string, bytes: number, ofRow: number): number[] => {
  const rows = Math.ceil(bytes / ofRow);
  return filling === 'all of them' ? [1, rows - 1, rows, rows + 1, 3 * rows] : [rows + 1];
};

async function encoded(
  wanted: Wanted,
  base: string,
  copied: Buffer,
): Promise<{ bytes: Buffer; rows: number | undefined }> {
  const columns = [{ name: 'c', type: base, base, nullable: true }];
  const format = formatOf(wanted);
  const encoder = format.encoder(columns, 'none');
  const made = [format.prologue(columns), format.glue(false)];
  const cuts = Array.from({ length: Math.ceil(copied.length / 65_536) }, (_, n) =>
    copied.subarray(65_536 * n, 65_536 * (n + 1)),
  );
  for await (const piece of encoder.encode(Readable.from(cuts))) made.push(Buffer.from(piece));
  made.push(format.epilogue({ columns, compression: 'none', parts: [] }));
  return { bytes: Buffer.concat(made), rows: encoder.rows };
}

/** `toEqual` takes a second for as many values. */
const same = (got: unknown, wanted: unknown): void =>
  expect(JSON.stringify(got)).toBe(JSON.stringify(wanted));

const request = { profile: 'machine', timeZone: 'UTC' } as const;

describe.each(types)('pieces of $base', (type) => {
  test.each(Object.entries(fillings))('hold %s', async (filling, isThere) => {
    const jsonOf = type.json ?? type.copied;
    const cellOf = type.cell ?? type.copied;
    const valuesOf = <T>(rows: number, of: (n: number) => T): (T | null)[] =>
      Array.from({ length: rows }, (__, n) => (isThere(n) ? of(n) : null));
    // A line of JSON is longer than its value by its name and what is around it.
    for (const rows of countsFor(filling, 128 * 1_024, type.copied(1_000).length + 8)) {
      const copied = copiedText(valuesOf(rows, (n) => [type.copied(n)]).map((it) => it ?? [null]));
      const ndjson = await encoded({ ...request, format: 'ndjson' }, type.base, copied);
      const lines = ndjson.bytes.toString().split('\n').slice(0, -1);
      expect(ndjson.rows).toBe(rows);
      const wanted = valuesOf(rows, jsonOf).map((c) => ({ c }));
      same(
        lines.map((line): unknown => JSON.parse(line)),
        wanted,
      );
      const json = await encoded({ ...request, format: 'json' }, type.base, copied);
      same(JSON.parse(json.bytes.toString()), wanted);
    }
    // A cell has its place and a style, too.
    for (const rows of countsFor(filling, 64 * 1_024, type.copied(1_000).length + 40)) {
      const copied = copiedText(valuesOf(rows, (n) => [type.copied(n)]).map((it) => it ?? [null]));
      const workbook = await encoded({ ...request, format: 'xlsx' }, type.base, copied);
      expect(workbook.rows).toBe(rows);
      const { sheets } = await readXlsx(workbook.bytes);
      const cells = Array.from({ length: rows }, (__, n) => sheets[0]?.rows[n + 1]?.[0] ?? null);
      same(cells, valuesOf(rows, cellOf));
    }
    for (const rows of countsFor(filling, 64 * 1_024, type.copied(1_000).length + 3)) {
      const csv = { ...plainCsv, newline: 'crlf' } as const;
      const values = valuesOf(rows, type.copied);
      const text = values
        .map((it) => (it === null ? '\n' : `"${it.replaceAll('"', '""')}"\n`))
        .join('');
      const made = await encoded({ ...request, format: 'csv', csv }, type.base, Buffer.from(text));
      expect(made.rows).toBe(rows);
      const [header, ...ends] = made.bytes.toString().split('\r\n');
      expect([header, ends.length]).toEqual(['c', rows + 1]);
      same(
        csvRows(ends.join('\n'), plainCsv),
        values.map((it) => [it]),
      );
    }
  });
});
