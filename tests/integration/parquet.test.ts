import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { type Manifest, manifestSchema } from '../../lib/contracts/export-document.ts';
import { asDemo, call, createExport, download, ended } from '../stack/api.ts';
import { columns, type Form, floating, nameOf } from '../stack/parquet-types.ts';
import { sourceUrl, sql } from '../stack/stack.ts';

/** A schema of this file's own: its types and tables go with it. */
const schema = `parquet_${Date.now()}`;
const source = sourceUrl('sales');

/** A reader that is not ours; with one thread: duckdb#24905 is about sums of decimals with many. */
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
  /** As DuckDB names the file in a query. */
  file: string;
}

/** An export of a table, as a file that DuckDB can read; its facts are held against its bytes. */
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

const longest = Math.max(...columns.map(([, , , , values]) => values.length));

async function fillMatrix(): Promise<void> {
  const types = columns.map(([type], n) => `${nameOf(n)} ${type}`);
  // The last row has no values at all.
  const rows = Array.from({ length: longest + 1 }, (_, row) => {
    const values = columns.map(([, , , , all]) => {
      const value = all[row];
      return value === undefined ? 'null' : pg.escapeLiteral(value);
    });
    return `(${row}, ${values.join(', ')})`;
  });
  await fill(`
    create type mood as enum ('glad', 'say "so"');
    create domain positive as int check (value > 0);
    create domain host as inet;
    create type pair as (x int, y text);
    create table matrix (id int, ${types.join(', ')});
    insert into matrix values ${rows.join(', ')}`);
}

/** What both write differently and mean the same. */
function meaning(form: Form, value: unknown): unknown {
  if (typeof value !== 'string') return value;
  if (form === floating) return Number(value.replace('nan', 'NaN').replace('inf', 'Infinity'));
  return form.postgres('c').startsWith('case when c is not null') ? JSON.parse(value) : value;
}

type Side = keyof Form;
const selected = (side: Side): string =>
  columns.map(([, , , form], n) => `${form[side](nameOf(n))} as ${nameOf(n)}`).join(', ');
const meanings = (rows: Record<string, unknown>[]): unknown[][] =>
  rows.map((row) => columns.map(([, , , form], n) => meaning(form, row[nameOf(n)])));

describe('every type, with its hostile values', () => {
  beforeAll(fillMatrix);

  test.each([undefined, 'none', 'snappy', 'gzip', 'zstd'] as const)(
    'comes back as PostgreSQL has it, compressed with %s',
    async (compression) => {
      const { file, manifest } = await exported('matrix', { compression });
      expect(manifest.request.compression).toBe(compression ?? 'zstd');
      const codecs = await read(
        `select distinct compression as codec from parquet_metadata(${file})`,
      );
      const codec = { none: 'UNCOMPRESSED', snappy: 'SNAPPY', gzip: 'GZIP', zstd: 'ZSTD' };
      expect(codecs).toEqual([{ codec: codec[compression ?? 'zstd'] }]);

      const inUtc = `${source}?options=${encodeURIComponent('-c TimeZone=UTC')}`;
      const rows = await sql<Record<string, unknown>>(
        inUtc,
        `select ${selected('postgres')} from ${schema}.matrix order by id`,
      );
      const held = await read(`select ${selected('duck')} from ${file} order by id`);
      expect(meanings(held)).toEqual(meanings(rows));
    },
  );

  test('is typed as documented, and the manifest says so', async () => {
    const { file, manifest } = await exported('matrix');
    const types = await read(`select column_type as type from (describe from ${file}) offset 1`);
    expect(types.map(({ type }) => type)).toEqual(columns.map(([, type]) => type));
    expect(manifest.columns.slice(1).map(({ fileType }) => fileType)).toEqual(
      columns.map(([, , type]) => type),
    );
    expect(manifest.columns.slice(1).map(({ nulled = 0 }) => nulled)).toEqual(
      columns.map(([, , , , , nulled = 0]) => nulled),
    );
    for (const { nulled, policy } of manifest.columns)
      expect(policy === undefined).toBe(nulled === undefined);
  });
});

describe('a table', () => {
  test('of all orders has every one of them, in several pages', async () => {
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
    ['without rows', 'select 1 as a, null::text as b limit 0', []],
    ['of one row', `select 1 as a, ''::text as b`, [{ a: 1, b: '' }]],
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
  ])('%s', async (name, query, rows) => {
    const table = name.replaceAll(' ', '_');
    await fill(`create table ${table} as ${query}`);
    const { file } = await exported(table);
    expect(await read(`select * from ${file}`)).toEqual(rows);
  });

  test('of chosen columns has those, in their order', async () => {
    await fill(`create table chosen as select 1 as a, 'x'::text as b, true as c`);
    const { file } = await exported('chosen', { columns: ['c', 'a'] });
    expect(await read(`select * from ${file}`)).toEqual([{ c: true, a: 1 }]);
  });
});

describe('what does not fit', () => {
  test.each([
    ['timestamp', `timestamp '294276-12-31 23:59:59'`, '294247-01-10'],
    ['int[]', `'{{1,2},{3,4}}'::int[]`, '2 dimensions'],
  ])('a %s of %s fails the export, which names row and column', async (type, value, reason) => {
    const table = `unfit_${type.slice(0, 3)}`;
    await fill(`create table ${table} (id int, "the value" ${type});
      insert into ${table} values (1, null), (2, ${value})`);
    const request = { sources: ['sales'], dataset: `${schema}.${table}`, format: 'parquet' };
    const { status, error } = await ended((await createExport(request)).id);
    expect({ status, code: error?.code }).toEqual({ status: 'failed', code: 'unsuitable_value' });
    expect(error?.message).toContain('row 2, column the value');
    expect(error?.message).toContain(reason);
  });

  test.each([
    [{ format: 'csv', compression: 'snappy' }, 'compression'],
    [{ format: 'json', compression: 'snappy' }, 'compression'],
    [{ format: 'ndjson', compression: 'snappy' }, 'compression'],
  ])('the request %j is refused by its field %s', async (wanted, field) => {
    const body = { sources: ['sales'], dataset: 'orders', ...wanted };
    const answer = await call('POST', '/exports', { body, headers: asDemo });
    expect(answer.status).toBe(422);
    expect(answer.problem().errors?.map((error) => error.field)).toEqual([field]);
  });
});

test('a request that leaves the compression out is the same as one for zstd', async () => {
  const headers = { ...asDemo, 'idempotency-key': `parquet-${Date.now()}` };
  const request = { sources: ['sales'], dataset: 'customers', format: 'parquet' };
  const { id } = await createExport(request, headers);
  expect((await createExport({ ...request, compression: 'zstd' }, headers)).id).toBe(id);
  const body = { ...request, compression: 'none' };
  const answer = await call('POST', '/exports', { body, headers });
  expect(answer.problem()).toMatchObject({ status: 409, code: 'idempotency_conflict' });
  await ended(id);
});
