import { isDeepStrictEqual } from 'node:util';
import { expect } from '@jest/globals';
import type { EdgeCaseType } from './edge-case-values.ts';
import type { ExpectedColumn } from './expected-values.ts';
import { copyIntoTable, nameOf, readJson, readParquet, readSheet, textsOf } from './read-back.ts';

export const fileForms = [
  'csv',
  'csv for spreadsheets',
  'json',
  'ndjson',
  'xlsx',
  'parquet',
] as const;
export type FileForm = (typeof fileForms)[number];

/** A table with the columns `id`, `c0`, `c1`, …, and the table into which its CSV is read back. */
interface Exported {
  url: string;
  table: string;
  columns: readonly EdgeCaseType[];
  back: string;
  timeZone: string;
}

interface FileValues {
  actual: unknown[][];
  expected: unknown[][];
}

const expectedValues = (
  texts: (string | null)[][],
  columns: readonly EdgeCaseType[],
  expectedOf: (as: ExpectedColumn, text: string) => unknown,
): unknown[][] =>
  texts.map((row) =>
    row.map((text, n) => {
      const as = columns[n]?.expected;
      return text === null || !as ? null : expectedOf(as, text);
    }),
  );

const byteOrderMark = '\ufeff';
const wouldBeFormula = /^[-=+@\t\r\n\uff1d\uff0b\uff0d\uff20]/;
/** Returns the values of a file and the values it must have. The table `back` is used for this file alone. */
export async function valuesOf(
  form: FileForm,
  bytes: Buffer,
  { url, table, columns, back, timeZone }: Exported,
): Promise<FileValues> {
  const texts = (zone?: string) => textsOf(url, table, columns, zone);
  switch (form) {
    case 'csv': {
      const names = ['id', ...columns.map((_, n) => nameOf(n))].join(', ');
      await copyIntoTable(url, back, `as select ${names} from ${table} limit 0`, bytes);
      return { actual: await textsOf(url, back, columns), expected: await texts() };
    }
    case 'csv for spreadsheets': {
      const text = bytes.toString();
      expect(text.startsWith(byteOrderMark)).toBe(true);
      const like = columns.map((_, n) => `${nameOf(n)} text`).join(', ');
      await copyIntoTable(url, back, `(id int, ${like})`, Buffer.from(text.slice(1)));
      const localColumns = columns.map((column) => ({
        ...column,
        expected: { ...column.expected, zoned: false },
      }));
      const guarded = ({ isProtected: is }: ExpectedColumn, value: string): string =>
        is && wouldBeFormula.test(value) ? `'${value}` : value;
      return {
        actual: await textsOf(url, back, localColumns),
        expected: expectedValues(await texts(timeZone), columns, guarded),
      };
    }
    case 'json':
    case 'ndjson':
      return {
        actual: readJson(bytes, form, columns),
        expected: expectedValues(await texts(), columns, (as, text) => as.json(text)),
      };
    case 'xlsx':
      return {
        actual: await readSheet(bytes, columns),
        expected: expectedValues(await texts(timeZone), columns, (as, text) => as.xlsx(text)),
      };
    case 'parquet': {
      const { types, ...cells } = await readParquet(bytes, { url, table, columns });
      expect(types).toEqual(columns.map(({ expected: as }) => as.parquet.duck));
      return cells;
    }
    default:
      return form satisfies never;
  }
}

/** Compares two values. hucre returns dates to the millisecond, so dates may differ by 1 ms. */
const isSame = (actual: unknown, expected: unknown): boolean =>
  actual instanceof Date && expected instanceof Date
    ? Math.abs(actual.getTime() - expected.getTime()) <= 1
    : isDeepStrictEqual(actual, expected);

const seen = (value: unknown): string =>
  (JSON.stringify(value) ?? 'nothing').replace(/^(.{200}).*$/s, '$1…');

/** Returns the differences from the expected values, with type and row. */
export const differencesIn = (
  { actual, expected }: FileValues,
  columns: readonly EdgeCaseType[],
): string[] =>
  expected.flatMap((row, at) =>
    row.flatMap((cell, n) =>
      isSame(actual[at]?.[n], cell)
        ? []
        : [`${columns[n]?.type}, row ${at}: ${seen(actual[at]?.[n])}, expected ${seen(cell)}`],
    ),
  );

export const fileTypeOf = (
  form: FileForm,
  { jsonType, xlsxType, parquet }: ExpectedColumn,
): string =>
  ({ json: jsonType, ndjson: jsonType, xlsx: xlsxType, parquet: parquet.type })[
    form.split(' ')[0] ?? ''
  ] ?? 'text';
