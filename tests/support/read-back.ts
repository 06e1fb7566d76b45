import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DuckDBInstance } from '@duckdb/node-api';
import { readXlsx } from 'hucre/xlsx';
import pg from 'pg';
import copy from 'pg-copy-streams';
import type { EdgeCaseType } from './edge-case-values.ts';
import { parseJson } from './expected-values.ts';
import { sql } from './stack.ts';

/**
 * Reads files with independent implementations: CSV with PostgreSQL, workbooks with hucre, Parquet with DuckDB. A
 * file has a column `id`, by which the rows are sorted, and columns `c0`, `c1`, …
 */
export const nameOf = (n: number): string => `c${n}`;

type Columns = readonly EdgeCaseType[];
type Row = Record<string, unknown>;

const cellsOf = (rows: Row[], columns: Columns): unknown[][] =>
  rows.map((row) => columns.map((_, n) => row[nameOf(n)] ?? null));

/** Returns a URL with a session in UTC, because the text of a timestamptz has the time zone of the session. */
const inUtc = (url: string): string => `${url}?options=${encodeURIComponent('-c TimeZone=UTC')}`;

/** Returns PostgreSQL's text of each value. A zone converts each timestamptz to its local time. */
export async function textsOf(
  url: string,
  table: string,
  columns: Columns,
  zone?: string,
): Promise<(string | null)[][]> {
  const values = columns.map(({ expected: as }, n) => {
    const value =
      zone !== undefined && as.zoned
        ? `case when extract(year from ${nameOf(n)}) between -4713 and 294275
           then (${nameOf(n)} at time zone '${zone}')::text else ${nameOf(n)}::text end`
        : nameOf(n);
    // `is null` is true for a row of NULLs; a cast may differ from the output function.
    return `case when num_nulls(${nameOf(n)}) = 0 then format('%s', ${value}) end as ${nameOf(n)}`;
  });
  const rows = await sql<Record<string, string | null>>(
    inUtc(url),
    `select ${['id', ...values].join(', ')} from ${table} order by id`,
  );
  return rows.map((row) => columns.map((_, n) => row[nameOf(n)] ?? null));
}

/** Has PostgreSQL read a CSV into a new table. */
export async function copyIntoTable(url: string, table: string, like: string, csv: Buffer) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(`create table ${table} ${like}`);
    const into = client.query(copy.from(`copy ${table} from stdin (format csv, header match)`));
    await pipeline(Readable.from([csv]), into);
  } finally {
    await client.end();
  }
}

/** Returns the values of JSON or NDJSON with the digits of their numbers, in the order of the columns. */
export function readJson(bytes: Buffer, form: 'json' | 'ndjson', columns: Columns): unknown[][] {
  const text = bytes.toString();
  const lines = form === 'json' ? parseJson(text) : text.split('\n').slice(0, -1).map(parseJson);
  const names = ['id', ...columns.map((_, n) => nameOf(n))].join();
  const rows = (Array.isArray(lines) ? lines : []).map((line) => {
    if (Object.keys(line ?? {}).join() !== names)
      throw new Error('an object of the JSON file has other names than the table');
    return new Map<string, unknown>(Object.entries(line ?? {}));
  });
  const idOf = (row: Map<string, unknown>): number => Number(Object.values(row.get('id') ?? {})[0]);
  return rows
    .toSorted((a, b) => idOf(a) - idOf(b))
    .map((row) => columns.map((_, n) => row.get(nameOf(n)) ?? null));
}

/** Returns the cells of the only sheet of a workbook. */
export async function readSheet(bytes: Buffer, columns: Columns): Promise<unknown[][]> {
  const { sheets } = await readXlsx(bytes);
  const [header, ...rows] = sheets[0]?.rows ?? [];
  if (sheets.length !== 1 || header?.length !== columns.length + 1)
    throw new Error('the workbook has no single sheet with these columns');
  return rows
    .toSorted((a, b) => Number(a[0]) - Number(b[0]))
    .map((row) => columns.map((_, n) => row[n + 1] ?? null));
}

/** One thread, because sums of decimals by several threads are wrong: duckdb#24905. */
const duck = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
const directory = await mkdtemp(join(tmpdir(), 'read-back-'));
const path = join(directory, 'file.parquet');
export async function closeReaders(): Promise<void> {
  duck.closeSync();
  await rm(directory, { recursive: true });
}

const parquetRows = async (query: string): Promise<Row[]> =>
  (await duck.runAndReadAll(query)).getRowObjectsJson();

/** Returns the values of a Parquet file, the same values from PostgreSQL, and DuckDB's types of the columns. */
export async function readParquet(
  bytes: Buffer,
  { url, table, columns }: { url: string; table: string; columns: Columns },
): Promise<{ actual: unknown[][]; expected: unknown[][]; types: unknown[] }> {
  await writeFile(path, bytes);
  const selected = (side: 'postgres' | 'duck'): string =>
    columns
      .map(({ expected: as }, n) => `${as.parquet.form[side](nameOf(n))} as ${nameOf(n)}`)
      .join(', ');
  const meant = (rows: Row[]): unknown[][] =>
    cellsOf(rows, columns).map((row) =>
      row.map((cell, n) => {
        const meaning = columns[n]?.expected.parquet.form.meaning;
        return meaning && typeof cell === 'string' ? meaning(cell) : cell;
      }),
    );
  const types = await parquetRows(
    `select column_type as type from (describe from '${path}') offset 1`,
  );
  return {
    actual: meant(await parquetRows(`select ${selected('duck')} from '${path}' order by id`)),
    expected: meant(
      await sql<Row>(inUtc(url), `select ${selected('postgres')} from ${table} order by id`),
    ),
    types: types.map(({ type }) => type),
  };
}

/** Returns how the pages of a Parquet file are compressed. */
export async function codecOf(bytes: Buffer): Promise<object[]> {
  await writeFile(path, bytes);
  return parquetRows(`select distinct compression as codec from parquet_metadata('${path}')`);
}
