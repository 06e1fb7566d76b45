import { createHash } from 'node:crypto';
import { zstdDecompressSync } from 'node:zlib';
import { HeadObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { manifestSchema } from '../../lib/contracts/export-document.ts';
import { plainCsv } from '../../lib/contracts/format-capabilities.ts';
import { parseCsv } from '../../lib/formats/csv/parse.ts';
import { planParts } from '../../lib/storage/assembly.ts';
import { asDemo, call, createExport, download, ended } from '../support/api.ts';
import { decompress } from '../support/decompress.ts';
import { queryParquet } from '../support/duckdb.ts';
import { referenceCsv, sortedLines, sourceUrl, sql, stack } from '../support/stack.ts';
import { storageClient } from '../support/storage.ts';

const schema = `resumable_${Date.now()}`;
/** A schema on no search path for extensions, as Supabase has it. */
const extensions = `${schema}_extensions`;
const source = sourceUrl('sales');
const run = (statements: string) =>
  sql(source, `set search_path = ${schema}, public; ${statements}`);
const of = (dataset: string, more: object = {}) => ({
  sources: ['sales'],
  dataset: `${schema}.${dataset}`,
  format: 'csv',
  consistency: 'resumable',
  ...more,
});

/** Each row takes 10 ms: 700 rows take longer than the time limit for the first and last time of a source. */
const slowRows = 700;

/**
 * Only exports that are expected to take minutes are divided into units. Here the planner is made to believe it, by a
 * function with a high cost or by wide rows.
 */
beforeAll(() =>
  run(`create schema ${schema}; create schema ${extensions};
    create extension citext schema ${extensions}; create extension ltree schema ${extensions};
    create type level as enum ('low', 'high'); create domain grade as level;
    create type record_of_two as (a int, b text);
    create type odd as (v int);
    create function odd_lt(odd, odd) returns bool language sql immutable as 'select $1.v < $2.v';
    create function odd_le(odd, odd) returns bool language sql immutable as 'select $1.v <= $2.v';
    create function odd_eq(odd, odd) returns bool language sql immutable as 'select $1.v = $2.v';
    create function odd_cmp(odd, odd) returns int language sql immutable as 'select sign($1.v - $2.v)::int';
    create function odd_gt(odd, odd) returns bool language sql immutable as 'select $1.v > $2.v';
    create operator << (leftarg = odd, rightarg = odd, function = odd_lt);
    create operator <<= (leftarg = odd, rightarg = odd, function = odd_le);
    create operator === (leftarg = odd, rightarg = odd, function = odd_eq);
    -- Not what is not less: rows that have the value of a bound would be in no range.
    create operator >>= (leftarg = odd, rightarg = odd, function = odd_gt);
    create operator >> (leftarg = odd, rightarg = odd, function = odd_gt);
    create operator class odd_ops default for type odd using btree as
      operator 1 <<, operator 2 <<=, operator 3 ===, operator 4 >>=, operator 5 >>, function 1 odd_cmp(odd, odd);
    create function dear(n bigint) returns bigint language plpgsql immutable cost 10000000 as 'begin return n; end';
    create view dear_orders as select id, ordered_at, comment, dear(id) as same from orders where id <= 2000;
    create view dear_days as
      select (ordered_at at time zone 'UTC')::date as day, dear(id) as same from orders where id <= 2000
      union all values ('infinity'::date, -1), ('-infinity', -2), (null, -3);
    create domain morning as timestamptz check (extract(hour from value at time zone 'UTC') < 12);
    create view dear_mornings as select (timestamptz '2024-01-01Z' + id * interval '1 day' + id % 12 * interval '1 hour')::morning as at,
      dear(id) as same from orders where id <= 2000;
    create view dear_customers as select id, name, dear(id) as same from customers where id <= 2000;
    create function slow(n bigint) returns bigint language plpgsql immutable cost 10000000
      as 'begin perform pg_sleep(0.01); return n; end';
    create view slow_orders as select id, ordered_at from orders where id <= ${slowRows} and slow(id) > 0;
    create function endless() returns setof timestamptz language sql rows 1000000000 as 'select now()';
    create view endless_rows as select a as at from endless() a, endless() b, endless() c;
    create view too_dear as select id, ordered_at, dear(id) as same from orders where id <= 20000`),
);
afterAll(() => run(`drop schema ${schema}, ${extensions} cascade`));

/** Creates a table with statistics of rows so wide that its export has about `units` units. */
async function table(name: string, definition: string, rows: string, units = 6): Promise<void> {
  await run(`create table ${name} (${definition}) with (autovacuum_enabled = off);
    insert into ${name} ${rows}; analyze ${name};
    update pg_statistic set stawidth = (${units - 0.5} * 60 / 12e-9 / c.reltuples / c.relnatts)::int
      from pg_class c where c.oid = starelid and c.oid = '${schema}.${name}'::regclass`);
}

interface ExportedFile {
  bytes: Buffer;
  units: { rows: number; bytes: number }[];
  rowsWithoutTime: number;
  key: string;
}

/** Creates an export and compares its manifest with its file and its units. */
async function exportFile(request: object): Promise<ExportedFile> {
  const { id } = await createExport(request);
  const document = await ended(id, 100);
  expect(document).toMatchObject({ status: 'ready', error: null });
  const { bytes } = await download(id);
  const facts = {
    bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    rows: document.progress.rows,
  };
  expect(document.file).toMatchObject(facts);
  const manifest = (await call('GET', `/exports/${id}/manifest`, { headers: asDemo })).json(
    manifestSchema,
  );
  expect(manifest).toMatchObject({ file: facts, consistency: 'resumable', truncated: false });
  const units = await sql<{ rows: number; bytes: number; object_key: string }>(
    stack.postgres.catalogue,
    `select u.rows::int, u.bytes::int, e.object_key from units u join exports e on e.id = u.export_id
     where u.export_id = $1 and u.kind = 'read' order by u.ordinal`,
    [id],
  );
  const [sourceManifest] = manifest.sources;
  expect(sourceManifest?.units?.map(({ rows }) => rows)).toEqual(units.map(({ rows }) => rows));
  expect(units.reduce((sum, { rows }) => sum + rows, 0)).toBe(facts.rows);
  const moments = (sourceManifest?.units ?? []).map(({ asOf }) => Date.parse(asOf));
  const skew = (Math.max(...moments) - Math.min(...moments)) / 1_000;
  expect(manifest.skewSeconds).toBeCloseTo(skew, 3);
  expect(Date.parse(sourceManifest?.asOf ?? '')).toBe(Math.min(...moments));
  return {
    bytes,
    units,
    rowsWithoutTime: sourceManifest?.rowsWithoutTime ?? -1,
    key: units[0]?.object_key ?? '',
  };
}

/** Asserts that the file has the server's lines, with one header at its start. */
async function expectRows(csv: Buffer, query: string): Promise<void> {
  const reference = await referenceCsv('sales', query);
  const header = reference.subarray(0, reference.indexOf('\n') + 1);
  expect(csv.subarray(0, header.length).equals(header)).toBe(true);
  expect(sortedLines(csv) === sortedLines(reference)).toBe(true);
  expect(csv.length).toBe(reference.length);
}

describe('an export in units', () => {
  test('a Parquet file in units has every row once and lists the row groups of all units', async () => {
    const { bytes, units } = await exportFile(of('dear_orders', { format: 'parquet' }));
    expect(units.length).toBeGreaterThan(4);
    const facts = `count(*)::int as rows, sum(id)::int as ids, count(distinct id)::int as different,
      max(extract(epoch from ordered_at))::bigint::text as last, sum(length(comment))::int as letters`;
    const [sourceManifest] = await queryParquet(bytes, (file) => `select ${facts} from ${file}`);
    const [expected] = await sql(source, `select ${facts} from ${schema}.dear_orders`);
    expect(sourceManifest).toEqual(expected);
    const groups = await queryParquet(
      bytes,
      (file) => `select count(distinct row_group_id)::int as n from parquet_metadata(${file})`,
    );
    expect(groups).toEqual([{ n: units.filter(({ rows }) => rows > 0).length }]);
  });

  test.each(['none', 'gzip', 'zstd'] as const)(
    'a view divided by its time column is exported with every row once, compressed: %s',
    async (compression) => {
      const { bytes, units } = await exportFile(of('dear_orders', { compression }));
      expect(units.length).toBeGreaterThan(4);
      await expectRows(await decompress(bytes, compression), `select * from ${schema}.dear_orders`);
      if (compression !== 'zstd') return;
      // Node returns only the first frame: a reader that infers types from it must find rows in it.
      expect(units[0]?.rows).toBeGreaterThan(0);
      expect(parseCsv(zstdDecompressSync(bytes).toString(), plainCsv)).toHaveLength(
        1 + (units[0]?.rows ?? 0),
      );
    },
  );

  test('csv in units keeps its delimiter, its text for NULL and its line ends, compressed', async () => {
    const csv = { delimiter: ';', nullText: 'NA', quote: 'all', newline: 'crlf' };
    const { bytes, units } = await exportFile(of('dear_orders', { csv, compression: 'gzip' }));
    expect(units.length).toBeGreaterThan(4);
    const plain = (await decompress(bytes, 'gzip')).toString();
    expect(plain.startsWith('"id";"ordered_at";"comment";"same"\r\n')).toBe(true);
    // A comment may have other line ends.
    const [header = [], ...rows] = parseCsv(plain.replaceAll(/"(\d+|same)"\r\n/g, '"$1"\n'), {
      delimiter: ';',
      nullText: 'NA',
    });
    expect(header).toHaveLength(4);
    const expected = await sql<{ row: (string | null)[] }>(
      source,
      `select array[id::text, (ordered_at at time zone 'UTC')::text || '+00', comment, same::text] as row from ${schema}.dear_orders`,
    );
    const sorted = (all: readonly unknown[]): string[] =>
      all.map((it) => JSON.stringify(it)).toSorted();
    expect(sorted(rows)).toEqual(sorted(expected.map(({ row }) => row)));
  });

  test('a view divided by days is exported with every row once, rows without a day included', async () => {
    const { bytes, units } = await exportFile(of('dear_days'));
    expect(units.length).toBeGreaterThan(4);
    await expectRows(bytes, `select * from ${schema}.dear_days`);
  });

  test('a view divided by times that its domain does not have is exported with every row once', async () => {
    const { bytes, units } = await exportFile(of('dear_mornings'));
    expect(units.length).toBeGreaterThan(4);
    await expectRows(bytes, `select * from ${schema}.dear_mornings`);
  });

  test('json in units is one array with one comma between two rows', async () => {
    const { bytes, units } = await exportFile(
      of('dear_orders', { format: 'json', compression: 'gzip' }),
    );
    expect(units.length).toBeGreaterThan(4);
    const [counted] = await sql<{ rows: number }>(
      source,
      `select count(*)::int as rows from ${schema}.dear_orders`,
    );
    const array = (await decompress(bytes, 'gzip')).toString();
    expect(JSON.parse(array)).toHaveLength(counted?.rows ?? -1);
  });

  test('ndjson in units has the requested columns within the bounds', async () => {
    const { bytes, units } = await exportFile(
      of('dear_orders', {
        format: 'ndjson',
        columns: ['same', 'comment'],
        from: '2023-06-01T00:00:00Z',
      }),
    );
    expect(units.length).toBeGreaterThan(1);
    const rows = await sql<{ line: string }>(
      source,
      `select row_to_json(r.*)::text as line from (
         select same::text, comment from ${schema}.dear_orders where ordered_at >= '2023-06-01T00:00:00Z') r`,
    );
    expect(bytes.toString().split('\n').toSorted()).toEqual(
      [...rows.map(({ line }) => line), ''].toSorted(),
    );
  });

  test.each([
    ['text', `'it''s \\ "' || n % 97 || '" $$é😀;--' || n`],
    ['text collate "und-x-icu"', `chr(n % 5000 + 40) || 'ß''' || n`],
    ['text', `repeat('\\', n % 3) || case n when 5 then '' else E'\\n' || n end`],
    ['uuid', 'gen_random_uuid()'],
    ['numeric', `case n when 1 then 'NaN' when 2 then '-Infinity' else n::numeric / 7 end`],
    [
      'double precision',
      `case n when 1 then 'NaN' when 2 then 'Infinity' else n * 0.1::float8 end`,
    ],
    [
      'timestamptz',
      `case n when 1 then 'infinity' else timestamptz '1900-01-01' + n * interval '1.000001 days' end`,
    ],
    ['bytea', `sha256(n::text::bytea)`],
    ['interval', `n * interval '1 month 3 days 00:00:01.5'`],
    ['char(8)', `n::text`],
    ['int4range', `int4range(n, n + 2)`],
    ['int[]', `array[n % 50, n]`],
    [`${extensions}.citext`, `case n % 2 when 0 then upper(md5(n::text)) else md5(n::text) end`],
    [`${extensions}.ltree`, `('Top.' || chr(97 + n % 26) || '.' || n)::${extensions}.ltree`],
    ['record_of_two', `row(n % 9, n::text)::record_of_two`],
  ])(
    'a table divided by its key of %s, like %s, is exported with every row once',
    async (type, key) => {
      const name = `keyed_${createHash('md5').update(key).digest('hex').slice(0, 8)}`;
      await table(
        name,
        `k ${type} primary key, n int not null, note text`,
        `select ${key}, n, repeat('x', n % 50) from generate_series(1, 6000) n`,
      );
      const { bytes, units } = await exportFile(of(name));
      expect(units.length).toBeGreaterThan(4);
      // The units have about equal sizes, so the table was divided by rows.
      expect(Math.max(...units.map(({ rows }) => rows))).toBeLessThan(6_000 / 2);
      await expectRows(bytes, `select * from ${schema}.${name}`);
    },
  );

  test('a table whose key leads with a domain over an enum is exported with every row once', async () => {
    await table(
      'graded',
      'k grade, n int, primary key (k, n)',
      `select (array['low', 'high'])[n % 2 + 1]::grade, n from generate_series(1, 6000) n`,
    );
    const { bytes, units } = await exportFile(of('graded'));
    expect(units.filter(({ rows }) => rows > 0)).toHaveLength(2);
    await expectRows(bytes, `select * from ${schema}.graded`);
  });

  test('a table whose key leads with three values has one unit for each value', async () => {
    await table(
      'few',
      'kind text, n int, primary key (kind, n)',
      `select (array['a', 'b', ''])[n % 3 + 1], n from generate_series(1, 6000) n`,
    );
    const { bytes, units } = await exportFile(of('few'));
    expect(units.length).toBeGreaterThan(1);
    await expectRows(bytes, `select * from ${schema}.few`);
  });

  test('a table without key is divided by its time column, and rows without time are exported as well', async () => {
    await table(
      'timed',
      'at timestamp, n int',
      `select case when n % 3 > 0 then timestamp '2024-01-01' + n * interval '1 minute' end, n
       from generate_series(1, 6000) n`,
    );
    const all = await exportFile(of('timed'));
    expect(all.units.length).toBeGreaterThan(4);
    expect(all.rowsWithoutTime).toBe(0);
    await expectRows(all.bytes, `select * from ${schema}.timed`);
    const bounded = await exportFile(of('timed', { from: '2024-01-02T00:00:00Z' }));
    expect(bounded.units.length).toBeGreaterThan(1);
    expect(bounded.rowsWithoutTime).toBe(2_000);
    await expectRows(bounded.bytes, `select * from ${schema}.timed where at >= '2024-01-02'`);
  });

  test('a table with partitions is exported in units with every row once', async () => {
    await run(`create table parted (id int, at timestamptz, primary key (id, at)) partition by range (at);
      create table parted_1 partition of parted for values from (minvalue) to ('2024-01-03') with (autovacuum_enabled = off);
      create table parted_2 partition of parted default with (autovacuum_enabled = off);
      insert into parted select n, timestamptz '2024-01-01' + n * interval '1 minute' from generate_series(1, 6000) n;
      analyze parted; update pg_statistic set stawidth = 2000000
        where starelid in ('${schema}.parted'::regclass, '${schema}.parted_1'::regclass, '${schema}.parted_2'::regclass)`);
    const { bytes, units } = await exportFile(of('parted'));
    expect(units.length).toBeGreaterThan(2);
    await expectRows(bytes, `select * from ${schema}.parted`);
  });

  test('a view with a slow first and last time is divided by the bounds of the request', async () => {
    const { bytes, units } = await exportFile(
      of('slow_orders', { from: '2020-01-01T00:00:00Z', to: '2030-01-01T00:00:00Z' }),
    );
    expect(units.length).toBeGreaterThan(1);
    await expectRows(bytes, `select id, ordered_at from orders where id <= ${slowRows}`);
  });

  test('unit outputs of more than the minimum part size are copied by the storage', async () => {
    await table(
      'large',
      'id bigint primary key, filling text',
      `select n, repeat(md5(n::text), 40) from generate_series(1, 30000) n`,
      4,
    );
    const { bytes, units, key } = await exportFile(of('large'));
    const parts = planParts([
      { bytes: Buffer.from('id,filling\n') },
      ...units.map((unit, n) => ({ key: String(n), size: unit.bytes })),
    ]);
    expect(parts.filter((part) => 'copy' in part).length).toBeGreaterThan(1);
    await expectRows(bytes, `select * from ${schema}.large`);
    const s3 = storageClient();
    const head = await s3.send(new HeadObjectCommand({ Bucket: stack.s3.bucket, Key: key }));
    s3.destroy();
    expect(head.ETag).toMatch(new RegExp(`-${parts.length}"$`));
  });

  test('a small dataset has one unit', async () => {
    const { bytes, units } = await exportFile({ ...of('x'), dataset: 'crm.contacts' });
    expect(units).toHaveLength(1);
    await expectRows(bytes, 'select * from crm.contacts');
  });
});

describe('consistency of rejected requests', () => {
  const problemOf = async (request: object) =>
    (await call('POST', '/exports', { headers: asDemo, body: request })).problem();

  test('a resumable export without key and time column is rejected', async () => {
    expect(await problemOf(of('dear_customers'))).toMatchObject({
      status: 422,
      code: 'invalid_request',
      errors: [{ field: 'consistency', allowed: ['snapshot'] }],
    });
  });

  test('a resumable export by a key whose sort order contradicts its comparison is rejected', async () => {
    await table('odds', 'k odd primary key', 'select row(n)::odd from generate_series(1, 6000) n');
    expect(await problemOf(of('odds'))).toMatchObject({
      status: 422,
      detail: expect.stringContaining('does not sort as it compares'),
      errors: [{ field: 'consistency', allowed: ['snapshot'] }],
    });
  });

  test('a resumable export of a view with a slow first and last time is rejected without bounds', async () => {
    expect(await problemOf(of('slow_orders', { to: '2030-01-01T00:00:00Z' }))).toMatchObject({
      status: 422,
      code: 'invalid_request',
      errors: [{ field: 'from' }],
    });
  });

  test('an estimate beyond the safe integers does not reject an export', async () => {
    const { id, progress } = await createExport(of('endless_rows'));
    expect(progress.estimatedRows).toBe(Number.MAX_SAFE_INTEGER);
    await call('DELETE', `/exports/${id}`, { headers: asDemo });
    await ended(id);
  });

  test('a snapshot that would take longer than a transaction may last is rejected', async () => {
    expect(await problemOf(of('too_dear', { consistency: 'snapshot' }))).toMatchObject({
      status: 422,
      code: 'too_large_for_snapshot',
      errors: [{ field: 'consistency', allowed: ['resumable'] }],
    });
  });
});
