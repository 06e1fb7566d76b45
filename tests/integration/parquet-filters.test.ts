import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createExport, download, ended } from '../support/api.ts';
import { sourceUrl, sql } from '../support/stack.ts';

/**
 * Parquet files that DuckDB reads with filters. DuckDB skips row groups by their minimum and maximum. A filter
 * has to find as many rows as in PostgreSQL, for each type with statistics and for values whose order is easily wrong.
 */
const schema = `filters_${Date.now()}`;
const source = `${sourceUrl('sales')}?options=${encodeURIComponent('-c TimeZone=UTC')}`;
const rows = 120_000;

const floats = `case n % 1000 when 1 then 'NaN'::float8 when 2 then 'Infinity' when 3 then '-Infinity' when 4 then '-0' else (n - 60000) * 0.25 end`;
/** The type of each column, and the SQL of its value in row `n`. */
const columns: Readonly<Record<string, readonly [type: string, value: string]>> = {
  small: ['smallint', 'n % 60000 - 30000'],
  whole: ['int', '(n - 60000) * 30000'],
  big: ['bigint', '(n - 60000) * 150000000000000::bigint'],
  price: ['numeric(9,2)', '(n - 60000) * 0.25'],
  exact: ['numeric(18,3)', '(n - 60000) * 1e10 - 0.001'],
  wide: ['numeric(38,4)', '(n - 60000) * 1e25 + 0.5'],
  single: ['real', floats],
  ratio: ['float8', floats],
  // NaN occurs only in the last row groups.
  late: ['float8', `case when n < 100000 then n / 8.0 else 'NaN' end::float8`],
  day: ['date', `date '1900-01-01' + n - 30000`],
  local: ['timestamp', `timestamp '1969-12-01' + n * interval '61.000001 s'`],
  instant: ['timestamptz', `timestamptz '1969-12-01Z' + n * interval '61.000001 s'`],
  clock: ['time', `time '00:00' + n * interval '0.7 s'`],
  id: ['uuid', `md5(n::text)::uuid`],
  flag: ['boolean', `case when n > 90000 then true when n > 100 then n % 3 = 0 end`],
  // `word` is shorter than the maximum length of a bound, `long` is longer. Both are ordered by their bytes.
  word: [
    'text',
    `(array['', 'a', 'é', 'ﬀ', '😀', 'z'])[n / 20000 + 1] || case n % 3 when 0 then '' else lpad(n::text, 6, '0') end`,
  ],
  long: ['text', `(array['é', 'ﬀ', '😀'])[n / 50000 + 1] || repeat('x', 80) || n`],
  bytes: ['bytea', `decode(lpad(to_hex((n * 37) % 65536), 4, '0') || repeat('ff', n % 70), 'hex')`],
};
const names = Object.keys(columns);
const definition = (name: string, nth: number): string => {
  const [type, value] = columns[name] ?? [];
  return `(case when n % ${7 + nth} = 5 or n between 20000 and 35000 then null else ${value} end)::${type} as "${name}"`;
};
/** The rows whose values the filters use. */
const filterRows = [1, 2, 3, 4, 777, 19_999, 50_000, 60_000, rows];

const duck = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
let directory = '';
let file = '';
const queryDuck = async (query: string): Promise<Record<string, unknown>[]> =>
  (await duck.runAndReadAll(query)).getRowObjectsJson();

async function exportToFile(table: string): Promise<string> {
  const request = { sources: ['sales'], dataset: `${schema}.${table}`, format: 'parquet' };
  const { id } = await createExport(request);
  expect(await ended(id)).toMatchObject({ status: 'ready', error: null });
  const path = join(directory, `${table}.parquet`);
  await writeFile(path, (await download(id)).bytes);
  return `'${path}'`;
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'parquet-filters-'));
  await sql(
    source,
    `create schema ${schema};
     create table ${schema}.many as select n, repeat('x', 200) as filling, ${names.map(definition).join(', ')} from generate_series(1, ${rows}) n;
     create table ${schema}.yes as select true as b from generate_series(1, 2049);
     create table ${schema}.lists as select array_agg(n % 3 = 0) as b from generate_series(1, 2049) n`,
  );
  file = await exportToFile('many');
});
afterAll(async () => {
  await sql(source, `drop schema ${schema} cascade`);
  duck.closeSync();
  await rm(directory, { recursive: true });
});

test('the file has several row groups, and bounds for each column without NaN', async () => {
  const groups = await queryDuck(
    `select path_in_schema as name, count(*)::int as n, count(stats_min_value)::int as bounds
     from parquet_metadata(${file}) where path_in_schema <> 'filling' group by 1`,
  );
  expect(groups).toHaveLength(names.length + 1);
  for (const { name, n, bounds } of groups) {
    expect(n).toBeGreaterThan(2);
    expect({ name, bounds }).toEqual({
      name,
      bounds: /^(single|ratio|late)$/.test(String(name)) ? 0 : expect.any(Number),
    });
  }
  expect(groups.filter(({ bounds }) => bounds === 0)).toHaveLength(3);
});

test.each(names)('a filter by the column %s finds as many rows as PostgreSQL', async (name) => {
  const collation = /^(word|long)$/.test(name) ? ' collate "C"' : '';
  const table = `${schema}.many`;
  const values = await sql<{ value: string }>(
    source,
    `select distinct "${name}"::text as value from ${table}
     where n in (${filterRows.join(', ')}) and "${name}" is not null`,
  );
  expect(values.length).toBeGreaterThan(1);
  const filters = values.flatMap(({ value }) => ['=', '<', '>='].map((op) => ({ op, value })));
  const counts = filters.map(
    ({ op, value }, n) =>
      `count(*) filter (where "${name}"${collation} ${op} '${value}'::${columns[name]?.[0]}${collation})::int as f${n}`,
  );
  const [wanted] = await sql<Record<string, number>>(
    source,
    `select ${counts.join(', ')} from ${table}`,
  );
  const [described] = await queryDuck(`describe select "${name}" from ${file}`);
  const literal = (value: string): string =>
    name === 'bytes'
      ? `unhex('${value.replace('\\x', '')}')`
      : `'${value}'::${String(described?.column_type)}`;
  const found: string[] = [];
  for (const { op, value } of filters) {
    const [row] = await queryDuck(
      `select count(*)::int as n from ${file} where "${name}" ${op} ${literal(value)}`,
    );
    found.push(`${op} ${value}: ${Number(row?.n)}`);
  }
  expect(found).toEqual(filters.map(({ op, value }, n) => `${op} ${value}: ${wanted?.[`f${n}`]}`));
  const [foundNulls] = await queryDuck(
    `select count(*) filter ("${name}" is null)::int as n, (select count(*)::int from ${file} where "${name}" is null) as pushed from ${file}`,
  );
  const [wantedNulls] = await sql<{ n: number }>(
    source,
    `select count(*) filter (where "${name}" is null)::int as n from ${table}`,
  );
  expect(foundNulls).toEqual({ n: wantedNulls?.n, pushed: wantedNulls?.n });
});

test('2,049 booleans are exported completely, as rows and in one list', async () => {
  const [rowsFile, listFile] = [await exportToFile('yes'), await exportToFile('lists')];
  const [wantedRows] = await sql(
    source,
    `select count(*) filter (where b)::int as n from ${schema}.yes`,
  );
  expect(await queryDuck(`select count(*) filter (b)::int as n from ${rowsFile}`)).toEqual([
    wantedRows,
  ]);
  const [wantedList] = await sql(source, `select to_json(b)::text as b from ${schema}.lists`);
  expect(await queryDuck(`select to_json(b)::varchar as b from ${listFile}`)).toEqual([wantedList]);
});
