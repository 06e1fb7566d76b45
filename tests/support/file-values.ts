import { isDeepStrictEqual } from 'node:util';
import { expect } from '@jest/globals';
import type { Behaviour } from './behaviours.ts';
import type { Hostile } from './hostile.ts';
import { copyBack, nameOf, readJson, readParquet, readSheet, textsOf } from './read-back.ts';

export const forms = ['csv', 'csv for spreadsheets', 'json', 'ndjson', 'xlsx', 'parquet'] as const;
export type Form = (typeof forms)[number];

/** A table of columns `id`, `c0`, `c1`, … and where its file is read back to. */
interface Exported {
  url: string;
  table: string;
  columns: readonly Hostile[];
  back: string;
  timeZone: string;
}

interface Cells {
  got: unknown[][];
  promised: unknown[][];
}

const promisedOf = (
  texts: (string | null)[][],
  columns: readonly Hostile[],
  promise: (as: Behaviour, text: string) => unknown,
): unknown[][] =>
  texts.map((row) =>
    row.map((text, n) => {
      const as = columns[n]?.as;
      return text === null || !as ? null : promise(as, text);
    }),
  );

const byteOrderMark = '\ufeff';
const wouldBeFormula = /^[-=+@\t\r\n\uff1d\uff0b\uff0d\uff20]/;
/** The values of a file, and those it was promised to have; `back` is for this file alone. */
export async function cellsOf(
  form: Form,
  bytes: Buffer,
  { url, table, columns, back, timeZone }: Exported,
): Promise<Cells> {
  const texts = (zone?: string) => textsOf(url, table, columns, zone);
  switch (form) {
    case 'csv': {
      const names = ['id', ...columns.map((_, n) => nameOf(n))].join(', ');
      await copyBack(url, back, `as select ${names} from ${table} limit 0`, bytes);
      return { got: await textsOf(url, back, columns), promised: await texts() };
    }
    case 'csv for spreadsheets': {
      const text = bytes.toString();
      expect(text.startsWith(byteOrderMark)).toBe(true);
      const like = columns.map((_, n) => `${nameOf(n)} text`).join(', ');
      await copyBack(url, back, `(id int, ${like})`, Buffer.from(text.slice(1)));
      const written = columns.map((column) => ({ ...column, as: { ...column.as, zoned: false } }));
      const guarded = ({ guarded: is }: Behaviour, value: string): string =>
        is && wouldBeFormula.test(value) ? `'${value}` : value;
      return {
        got: await textsOf(url, back, written),
        promised: promisedOf(await texts(timeZone), columns, guarded),
      };
    }
    case 'json':
    case 'ndjson':
      return {
        got: readJson(bytes, form, columns),
        promised: promisedOf(await texts(), columns, (as, text) => as.json(text)),
      };
    case 'xlsx':
      return {
        got: await readSheet(bytes, columns),
        promised: promisedOf(await texts(timeZone), columns, (as, text) => as.xlsx(text)),
      };
    case 'parquet': {
      const { types, ...cells } = await readParquet(bytes, { url, table, columns });
      expect(types).toEqual(columns.map(({ as }) => as.parquet.duck));
      return cells;
    }
    default:
      return form satisfies never;
  }
}

/** A reader has dates to the millisecond. */
const isSame = (got: unknown, promised: unknown): boolean =>
  got instanceof Date && promised instanceof Date
    ? Math.abs(got.getTime() - promised.getTime()) <= 1
    : isDeepStrictEqual(got, promised);

const seen = (value: unknown): string =>
  (JSON.stringify(value) ?? 'nothing').replace(/^(.{200}).*$/s, '$1…');

/** What is not as it was promised, by type and row. */
export const wrongIn = ({ got, promised }: Cells, columns: readonly Hostile[]): string[] =>
  promised.flatMap((row, at) =>
    row.flatMap((cell, n) =>
      isSame(got[at]?.[n], cell)
        ? []
        : [`${columns[n]?.type}, row ${at}: ${seen(got[at]?.[n])}, promised ${seen(cell)}`],
    ),
  );

export const fileTypeOf = (form: Form, { jsonType, xlsxType, parquet }: Behaviour): string =>
  ({ json: jsonType, ndjson: jsonType, xlsx: xlsxType, parquet: parquet.type })[
    form.split(' ')[0] ?? ''
  ] ?? 'text';
