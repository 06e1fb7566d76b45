import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Manifest, manifestSchema } from '../../lib/contracts/export-document.ts';
import { exportPreviewSchema } from '../../lib/contracts/export-preview.ts';
import { asDemo, call, createExport, download, ended } from '../support/api.ts';
import { sourceUrl, sql } from '../support/stack.ts';

/** A schema of this file's own, which is dropped with its types and tables. */
const schema = `parquet_${Date.now()}`;
const source = sourceUrl('sales');

/** DuckDB as an independent reader. One thread, because sums of decimals by several are wrong: duckdb#24905. */
const duck = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
let directory = '';

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'parquet-'));
  await sql(source, `create schema ${schema}`);
});
afterAll(async () => {
  await sql(source, `drop schema ${schema} cascade`);
  duck.closeSync();
  await rm(directory, { recursive: true });
});

const fill = (statements: string): Promise<object[]> =>
  sql(source, `set search_path = ${schema}; ${statements}`);

interface Exported {
  manifest: Manifest;
  /** The file's name as an SQL literal of DuckDB. */
  file: string;
}

/** Returns an export of a table as a file for DuckDB, after comparing its document with its bytes. */
async function exported(table: string, more: object = {}): Promise<Exported> {
  const request = { sources: ['sales'], dataset: `${schema}.${table}`, format: 'parquet', ...more };
  const { id } = await createExport(request);
  const document = await ended(id);
  expect(document).toMatchObject({ status: 'ready', error: null });
  const answer = await download(id);
  expect(answer.headers.get('content-type')).toBe('application/vnd.apache.parquet');
  expect(document.file).toMatchObject({
    name: expect.stringMatching(/^[A-Za-z0-9_.-]+_[0-9a-f]{8}\.parquet$/),
    bytes: answer.bytes.length,
    sha256: createHash('sha256').update(answer.bytes).digest('hex'),
    contentType: 'application/vnd.apache.parquet',
  });
  const path = join(directory, `${id}.parquet`);
  await writeFile(path, answer.bytes);
  const file = `'${path}'`;
  expect(await read(`select count(*)::int as rows from ${file}`)).toEqual([
    { rows: document.file?.rows },
  ]);
  const manifest = (await call('GET', `/exports/${id}/manifest`, { headers: asDemo })).json(
    manifestSchema,
  );
  return { manifest, file };
}

const read = async (query: string): Promise<Record<string, unknown>[]> =>
  (await duck.runAndReadAll(query)).getRowObjectsJson();

describe('tables as Parquet', () => {
  test('a Parquet file has every order, in several pages', async () => {
    const request = { sources: ['sales'], dataset: 'orders', format: 'parquet' };
    const { id } = await createExport(request);
    expect(await ended(id)).toMatchObject({ status: 'ready' });
    const path = join(directory, `${id}.parquet`);
    await writeFile(path, (await download(id)).bytes);
    const facts = (micros: string): string =>
      `count(*)::text as rows, sum(id)::text as ids, sum(total)::text as totals, count(comment)::text as comments,
       count(*) filter (where comment = '')::text as empty, count(shipping)::text as shippings, ${micros} as last`;
    expect(
      await read(`select ${facts('epoch_us(max(ordered_at))::varchar')} from '${path}'`),
    ).toEqual(
      await sql(
        source,
        `select ${facts('trunc(extract(epoch from max(ordered_at)) * 1000000)::text')} from orders`,
      ),
    );
  });

  test.each([
    ['of one column', `select null::text as a union all select ''`, [{ a: null }, { a: '' }]],
    [
      'with long texts',
      `select repeat('ä', n * 500000) as a from generate_series(0, 2) n`,
      ['', 'ä'.repeat(500_000), 'ä'.repeat(1_000_000)].map((a) => ({ a })),
    ],
    [
      'of columns with awkward names',
      `select 1 as "a ""b"", c", 2 as "Ünï\nx", 3 as "r"`,
      [{ 'a "b", c': 1, 'Ünï\nx': 2, r: 3 }],
    ],
  ])('a table %s is the same in Parquet', async (name, query, rows) => {
    const table = name.replaceAll(' ', '_');
    await fill(`create table ${table} as ${query}`);
    const { file } = await exported(table);
    expect(await read(`select * from ${file}`)).toEqual(rows);
  });

  test('a Parquet file has the requested columns in their order', async () => {
    await fill(`create table chosen as select 1 as a, 'x'::text as b, true as c`);
    const { file } = await exported('chosen', { columns: ['c', 'a'] });
    expect(await read(`select * from ${file}`)).toEqual([{ c: true, a: 1 }]);
  });
});

describe('types that some readers do not know', () => {
  const columns = [
    `'c0ffee00-0000-4000-8000-0000000000ff'::uuid as id`,
    `time '24:00' as at`,
    `'{"a": 1e400}'::json as doc`,
    `'[1, 2]'::jsonb as list`,
    `array['c0ffee00-0000-4000-8000-0000000000ff', null]::uuid[] as ids`,
    `array['01:02:03.5', '00:00']::time[] as times`,
    `array['null', '"x"']::jsonb[] as docs`,
    `timestamptz '2024-01-01Z' as moment`,
  ];
  const fileTypes = ({ manifest }: Exported): string[] =>
    manifest.columns.map(({ fileType }) => fileType);

  test('types that some readers do not know are text if portable is requested, else their own types', async () => {
    await fill(`create table portable as select ${columns.join(', ')};
      insert into portable values (null, null, null, null, null, null, null, null)`);
    const [native, portable] = await Promise.all([
      exported('portable'),
      exported('portable', { parquetTypes: 'portable' }),
    ]);
    expect(fileTypes(native).join(', ')).toBe(
      'UUID, TIME(µs, local), JSON, JSON, LIST<UUID>, LIST<TIME(µs, local)>, LIST<JSON>, TIMESTAMP(µs, UTC)',
    );
    expect(fileTypes(portable).join(', ')).toBe(
      'STRING, STRING, STRING, STRING, LIST<STRING>, LIST<STRING>, LIST<STRING>, TIMESTAMP(µs, UTC)',
    );
    expect(native.manifest.request.parquetTypes).toBeUndefined();
    expect(portable.manifest.request.parquetTypes).toBe('portable');
    const schemaOf = ({ file }: Exported) =>
      read(
        `select distinct type, converted_type, logical_type from parquet_schema(${file})
         where num_children is null and name <> 'moment'`,
      );
    expect(await schemaOf(portable)).toEqual([
      { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: 'StringType()' },
    ]);
    expect(await schemaOf(native)).toHaveLength(3);
    const written = columns.slice(0, 4).map((it) => `(${it.replace(/ as \w+$/, '')})::text`);
    const [expected] = await sql<{ row: string[] }>(
      source,
      `select array[${written.join(', ')}] as row`,
    );
    const [first, last] = await read(`select * exclude (moment) from ${portable.file}`);
    expect(Object.values(first ?? {})).toEqual([
      ...(expected?.row ?? []),
      ['c0ffee00-0000-4000-8000-0000000000ff', null],
      ['01:02:03.5', '00:00:00'],
      ['null', '"x"'],
    ]);
    expect(Object.values(last ?? {})).toEqual(Array.from({ length: 7 }, () => null));
  });

  test('a preview shows the portable types of Parquet', async () => {
    const body = {
      sources: ['sales'],
      dataset: `${schema}.portable`,
      format: 'parquet',
      parquetTypes: 'portable',
    };
    const answer = await call('POST', '/exports/preview', { body, headers: asDemo });
    const previewed = answer.json(exportPreviewSchema);
    expect(previewed.columns.map(({ fileType }) => fileType).join(', ')).toMatch(
      /^(STRING, ){4}(LIST<STRING>, ){3}TIMESTAMP/,
    );
    expect(previewed.rows[0]?.slice(0, 2)).toEqual([
      'c0ffee00-0000-4000-8000-0000000000ff',
      '24:00:00',
    ]);
  });
});

describe('compression of Parquet', () => {
  test.each([
    [{ format: 'csv', compression: 'snappy' }, 'compression'],
    [{ format: 'json', compression: 'snappy' }, 'compression'],
    [{ format: 'ndjson', compression: 'snappy' }, 'compression'],
  ])('the request %j is rejected by its field %s', async (more, field) => {
    const body = { sources: ['sales'], dataset: 'orders', ...more };
    const answer = await call('POST', '/exports', { body, headers: asDemo });
    expect(answer.status).toBe(422);
    expect(answer.problem().errors?.map((error) => error.field)).toEqual([field]);
  });
});

test('a request without compression means zstd', async () => {
  const headers = { ...asDemo, 'idempotency-key': `parquet-${Date.now()}` };
  const request = { sources: ['sales'], dataset: 'customers', format: 'parquet' };
  const { id } = await createExport(request, headers);
  expect((await createExport({ ...request, compression: 'zstd' }, headers)).id).toBe(id);
  const body = { ...request, compression: 'none' };
  const answer = await call('POST', '/exports', { body, headers });
  expect(answer.problem()).toMatchObject({ status: 409, code: 'idempotency_conflict' });
  await ended(id);
});
