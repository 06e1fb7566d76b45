import { Readable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { readXlsx } from 'hucre/xlsx';
import { plainCsv } from '../contracts/format-capabilities.ts';
import { parseCsv } from './csv/parse.ts';
import { type FormatRequest, formatOf } from './index.ts';
import { toCopyText } from './testing/copy-text.ts';

/** A type of values that fill chunks, up to each size at which the end of a chunk might be wrong. */
interface Type {
  base: string;
  /** Value `n` as COPY writes it. */
  text: (n: number) => string;
  /** The value in JSON and in a workbook; absent: the text. */
  json?: (n: number) => unknown;
  cell?: (n: number) => unknown;
}

const types: Type[] = [
  { base: 'integer', text: String, json: (n) => n, cell: (n) => n },
  { base: 'bigint', text: String, cell: (n) => n },
  { base: 'numeric(12,2)', text: (n) => `${n}.50`, cell: (n) => n + 0.5 },
  {
    base: 'double precision',
    text: (n) => `${n}.25`,
    json: (n) => n + 0.25,
    cell: (n) => n + 0.25,
  },
  {
    base: 'boolean',
    text: (n) => (n % 3 ? 't' : 'f'),
    json: (n) => n % 3 > 0,
    cell: (n) => n % 3 > 0,
  },
  {
    base: 'timestamp without time zone',
    text: (n) => `2024-01-01 00:00:${String(n % 60).padStart(2, '0')}`,
    json: (n) => `2024-01-01T00:00:${String(n % 60).padStart(2, '0')}`,
    cell: (n) => new Date(Date.UTC(2024, 0, 1, 0, 0, n % 60)),
  },
  { base: 'text', text: (n) => `é"\n\\${n}` },
  { base: 'jsonb', text: (n) => `{"n": ${n}}`, json: (n) => ({ n }) },
  {
    base: 'integer[]',
    text: (n) => `[${n},null]`,
    json: (n) => [n, null],
    cell: (n) => `[${n},null]`,
  },
];

/** For each filling, whether row `n` has a value. */
const fillings: Record<string, (n: number) => boolean> = {
  'no NULL': () => true,
  'some NULL': (n) => n % 3 !== 1,
  'only NULL': () => false,
};

/** Returns row counts: those of one chunk of `bytes`, one fewer, one more, and of three chunks. */
const countsFor = (filling: string, bytes: number, rowBytes: number): number[] => {
  const rows = Math.ceil(bytes / rowBytes);
  return filling === 'no NULL' ? [1, rows - 1, rows, rows + 1, 3 * rows] : [rows + 1];
};

async function encoded(
  options: FormatRequest,
  base: string,
  copyOutput: Buffer,
): Promise<{ bytes: Buffer; rows: number | undefined }> {
  const columns = [{ name: 'c', type: base, base, nullable: true }];
  const format = formatOf(options);
  const encoder = format.encoder(columns, 'none');
  const output = [format.header(columns), format.separator(false)];
  const cuts = Array.from({ length: Math.ceil(copyOutput.length / 65_536) }, (_, n) =>
    copyOutput.subarray(65_536 * n, 65_536 * (n + 1)),
  );
  for await (const chunk of encoder.encode(Readable.from(cuts))) output.push(Buffer.from(chunk));
  output.push(format.footer({ columns, compression: 'none', segments: [] }));
  return { bytes: Buffer.concat(output), rows: encoder.rows };
}

/** Compares as text, because `toEqual` takes a second for this many values. */
const expectSame = (got: unknown, expected: unknown): void =>
  expect(JSON.stringify(got)).toBe(JSON.stringify(expected));

const request = { profile: 'machine', timeZone: 'UTC' } as const;

describe.each(types)('encoded chunks of $base', (type) => {
  test.each(Object.entries(fillings))('contain every row with %s', async (filling, hasValue) => {
    const jsonOf = type.json ?? type.text;
    const cellOf = type.cell ?? type.text;
    const valuesOf = <T>(rows: number, of: (n: number) => T): (T | null)[] =>
      Array.from({ length: rows }, (__, n) => (hasValue(n) ? of(n) : null));
    // A JSON line is 8 bytes longer than its value: the name, quotes and braces.
    for (const rows of countsFor(filling, 128 * 1_024, type.text(1_000).length + 8)) {
      const copyOutput = toCopyText(
        valuesOf(rows, (n) => [type.text(n)]).map((it) => it ?? [null]),
      );
      const ndjson = await encoded({ ...request, format: 'ndjson' }, type.base, copyOutput);
      const lines = ndjson.bytes.toString().split('\n').slice(0, -1);
      expect(ndjson.rows).toBe(rows);
      const expected = valuesOf(rows, jsonOf).map((c) => ({ c }));
      expectSame(
        lines.map((line): unknown => JSON.parse(line)),
        expected,
      );
      const json = await encoded({ ...request, format: 'json' }, type.base, copyOutput);
      expectSame(JSON.parse(json.bytes.toString()), expected);
    }
    // A cell is about 40 bytes longer than its value: its reference and style.
    for (const rows of countsFor(filling, 64 * 1_024, type.text(1_000).length + 40)) {
      const copyOutput = toCopyText(
        valuesOf(rows, (n) => [type.text(n)]).map((it) => it ?? [null]),
      );
      const workbook = await encoded({ ...request, format: 'xlsx' }, type.base, copyOutput);
      expect(workbook.rows).toBe(rows);
      const { sheets } = await readXlsx(workbook.bytes);
      const cells = Array.from({ length: rows }, (__, n) => sheets[0]?.rows[n + 1]?.[0] ?? null);
      expectSame(cells, valuesOf(rows, cellOf));
    }
    for (const rows of countsFor(filling, 64 * 1_024, type.text(1_000).length + 3)) {
      const csv = { ...plainCsv, newline: 'crlf' } as const;
      const values = valuesOf(rows, type.text);
      const text = values
        .map((it) => (it === null ? '\n' : `"${it.replaceAll('"', '""')}"\n`))
        .join('');
      const output = await encoded(
        { ...request, format: 'csv', csv },
        type.base,
        Buffer.from(text),
      );
      expect(output.rows).toBe(rows);
      const [header, ...ends] = output.bytes.toString().split('\r\n');
      expect([header, ends.length]).toEqual(['c', rows + 1]);
      expectSame(
        parseCsv(ends.join('\n'), plainCsv),
        values.map((it) => [it]),
      );
    }
  });
});
