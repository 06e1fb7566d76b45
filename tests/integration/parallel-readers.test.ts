import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { createExport, download, ended } from '../support/api.ts';
import { decompress } from '../support/decompress.ts';
import { queryParquet } from '../support/duckdb.ts';
import { referenceCsv, sourceUrl, sql, stack } from '../support/stack.ts';

/** A table of some thousand pages, some of them empty, with rows wide enough for two readers. */
const schema = `parallel_${Date.now()}`;
const source = sourceUrl('sales');

const rows = (table: string): string => `
  create table ${schema}.${table} (id int primary key, at timestamptz, price numeric(12,2), filler text)
    with (autovacuum_enabled = off);
  insert into ${schema}.${table}
    select n, timestamptz '2024-01-01Z' + n * interval '1 second', n / 7.0,
      case when n % 5 = 0 then E'quoted "text", with\\na line ' else 'plain ' end || repeat('x', 200)
    from generate_series(1, 80000) n;
  delete from ${schema}.${table} where id % 7 = 0;
  update ${schema}.${table} set price = -price where id % 11 = 0;
  analyze ${schema}.${table};
  update pg_statistic set stawidth = 2000 from pg_class c
    where c.oid = starelid and c.oid = '${schema}.${table}'::regclass`;

beforeAll(async () => {
  await sql(source, `create schema ${schema}`);
  await sql(source, rows('rows'));
  await sql(source, rows('moving'));
});
afterAll(async () => {
  await sql(source, `drop schema ${schema} cascade`);
});

/** Returns the bytes of an export and its planned number of readers. */
async function exportRows(more: object): Promise<{ bytes: Buffer; readers: number }> {
  const request = { sources: ['sales'], dataset: `${schema}.rows`, format: 'csv', ...more };
  const { id } = await createExport(request);
  expect(await ended(id)).toMatchObject({ status: 'ready', error: null });
  const [unit] = await sql<{ readers: number }>(
    stack.postgres.catalogue,
    'select planned_connections as readers from units where export_id = $1',
    [id],
  );
  return { bytes: (await download(id)).bytes, readers: unit?.readers ?? 0 };
}

const reference = (): Promise<Buffer> => referenceCsv('sales', `select * from ${schema}.rows`);

const facts = `count(*)::int as rows, count(distinct id)::int as ids, sum(id)::bigint::text as sum,
  sum(price)::text as price, sum(length(filler))::bigint::text as letters`;

describe('a table with two parallel readers', () => {
  test.each(['none', 'gzip', 'zstd'] as const)(
    'two readers write the same csv as one reader, row for row, compressed: %s',
    async (compression) => {
      const { bytes, readers } = await exportRows({ compression });
      expect(readers).toBe(2);
      expect((await decompress(bytes, compression)).equals(await reference())).toBe(true);
    },
  );

  test('two readers write all rows to json and ndjson', async () => {
    const array = await exportRows({ format: 'json' });
    const lines = await exportRows({ format: 'ndjson' });
    expect([array.readers, lines.readers]).toEqual([2, 2]);
    const joined = lines.bytes.toString().replaceAll(/\n(?=.)/g, '\n,');
    expect(array.bytes.toString() === `[\n${joined}]\n`).toBe(true);
    expect(sumsOf(JSON.parse(array.bytes.toString()))).toEqual(
      (
        await sql(
          source,
          `select count(*)::int as rows, sum(id)::float8 as ids, sum(length(filler))::int as letters
           from ${schema}.rows`,
        )
      )[0],
    );
  });

  test('two readers write all rows to parquet, in the order of the table', async () => {
    const { bytes, readers } = await exportRows({ format: 'parquet' });
    expect(readers).toBe(2);
    const ids = await queryParquet(bytes, (file) => `select id from ${file}`);
    expect(ids).toEqual(await sql(source, `select id from ${schema}.rows`));
    expect(await queryParquet(bytes, (file) => `select ${facts} from ${file}`)).toEqual(
      await sql(source, `select ${facts} from ${schema}.rows`),
    );
    const groups = await queryParquet(
      bytes,
      (file) => `select distinct row_group_id from parquet_metadata(${file})`,
    );
    expect(groups.length).toBeGreaterThan(1);
  });

  test('one reader reads a table whose lists only the encoder of parquet knows', async () => {
    await sql(source, `alter table ${schema}.rows add tags int[]`);
    try {
      const { bytes, readers } = await exportRows({ format: 'parquet' });
      expect(readers).toBe(1);
      expect(await queryParquet(bytes, (file) => `select ${facts} from ${file}`)).toEqual(
        await sql(source, `select ${facts} from ${schema}.rows`),
      );
    } finally {
      await sql(source, `alter table ${schema}.rows drop tags`);
    }
  });

  test('two readers write the selected rows and columns', async () => {
    const where = [{ column: 'id', op: 'gt', value: 10 }];
    const { bytes, readers } = await exportRows({ where, columns: ['price', 'id'] });
    expect(readers).toBe(2);
    const expected = await referenceCsv(
      'sales',
      `select price, id from ${schema}.rows where id > 10`,
    );
    expect(bytes.equals(expected)).toBe(true);
  });

  test('two readers can select no rows', async () => {
    const where = [{ column: 'filler', op: 'eq', value: 'no such value' }];
    for (const format of ['csv', 'json', 'parquet']) {
      const { bytes } = await exportRows({ where, format });
      if (format === 'csv') expect(bytes.toString()).toBe('id,at,price,filler\n');
      if (format === 'json') expect(JSON.parse(bytes.toString())).toEqual([]);
      if (format === 'parquet')
        expect(
          await queryParquet(bytes, (file) => `select count(*)::int as n from ${file}`),
        ).toEqual([{ n: 0 }]);
    }
  });

  test('two readers read one snapshot, although the rows change meanwhile', async () => {
    const stop = new AbortController();
    const moving = (async () => {
      while (!stop.signal.aborted)
        await sql(
          source,
          `update ${schema}.moving set price = price + 1 where id % 50 = (random() * 49)::int;
           insert into ${schema}.moving select n, now(), 1, 'new' from (select max(id) + 1 as n from ${schema}.moving) m`,
        );
    })();
    try {
      for (const format of ['csv', 'parquet'] as const) {
        const { id } = await createExport({
          sources: ['sales'],
          dataset: `${schema}.moving`,
          format,
          columns: ['id'],
        });
        const { file, status } = await ended(id);
        expect(status).toBe('ready');
        const { bytes } = await download(id);
        const ids =
          format === 'csv'
            ? bytes.toString().trimEnd().split('\n').slice(1).map(Number)
            : (await queryParquet(bytes, (path) => `select id from ${path}`)).map((row) =>
                'id' in row ? Number(row.id) : Number.NaN,
              );
        expect(ids.length).toBe(file?.rows);
        expect(new Set(ids).size).toBe(ids.length);
        // All initial rows, and the new rows up to the last one without a gap.
        const last = Math.max(...ids.filter((it) => it > 80_000), 80_000);
        expect(ids.length).toBe(80_000 - Math.floor(80_000 / 7) + (last - 80_000));
      }
    } finally {
      stop.abort();
      await moving;
    }
  });
});

test.each([
  ['has an order', { order: 'time' }],
  ['is xlsx', { format: 'xlsx', columns: ['id', 'price'] }],
  ['is found by an index', { where: [{ column: 'id', op: 'lt', value: 100 }] }],
])('an export that %s has one reader', async (_, more) => {
  expect((await exportRows(more)).readers).toBe(1);
});

const rowsSchema = z.array(z.object({ id: z.number(), filler: z.string() }));

function sumsOf(parsed: unknown): object {
  const all = rowsSchema.parse(parsed);
  const sum = (of: (row: (typeof all)[number]) => number) =>
    all.reduce((total, row) => total + of(row), 0);
  return {
    rows: all.length,
    ids: sum(({ id }) => id),
    letters: sum(({ filler }) => filler.length),
  };
}
