import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { sourceListSchema } from '../../lib/contracts/sources.ts';
import { asDemo, call, createExport, download, ended } from '../support/api.ts';
import { attemptsOf } from '../support/export-invariants.ts';
import { referenceCsv, sortedLines, sourceUrl, sql } from '../support/stack.ts';

/**
 * Exports from sources with more tables and partitions than the lock table of their server has room for, and with few
 * connections for StreamSync. With STREAMSYNC_TEST_LONG=1 the sources are as large as those in published reports.
 */
const isLong = process.env.STREAMSYNC_TEST_LONG === '1';
const schema = `large_sources_${Date.now()}`;
const source = sourceUrl('sales');
const partitions = isLong ? 2_000 : 200;
const tables = isLong ? 12_000 : 100;
/** Statements in one transaction: the lock table of the server has no room for the locks of all of them. */
const batchSize = 500;

async function runInBatches(count: number, statement: (n: number) => string): Promise<void> {
  for (let from = 0; from < count; from += batchSize) {
    const batch = Array.from({ length: Math.min(batchSize, count - from) }, (_, n) => from + n);
    await sql(source, batch.map(statement).join(';'));
  }
}

beforeAll(() => sql(source, `create schema ${schema}`));
afterAll(async () => {
  await runInBatches(tables, (n) => `drop table if exists ${schema}.t_${n}`);
  await runInBatches(partitions, (n) => `drop table if exists ${schema}.days_${n}`);
  await sql(source, `drop schema ${schema} cascade`);
});

const requestOf = (dataset: string, more: object = {}) => ({
  sources: ['sales'],
  dataset: `${schema}.${dataset}`,
  format: 'csv',
  ...more,
});

describe(`a table of ${partitions} partitions`, () => {
  beforeAll(async () => {
    await sql(
      source,
      `create table ${schema}.days (at timestamptz, n int, primary key (at, n)) partition by range (at)`,
    );
    const day = (n: number): string => `timestamptz '2020-01-01Z' + ${n} * interval '1 day'`;
    await runInBatches(
      partitions,
      (n) =>
        `create table ${schema}.days_${n} partition of ${schema}.days for values from (${day(n)}) to (${day(n + 1)});
         insert into ${schema}.days select ${day(n)} + i * interval '1 hour', ${n} from generate_series(0, 9) i`,
    );
  });

  /** Fills the lock table of the server, except for `free` to twice as many locks, and runs. Returns how many it holds. */
  async function withFewLocks(free: number, run: () => Promise<void>): Promise<number> {
    const client = new pg.Client({ connectionString: source });
    await client.connect();
    let lockCount = 0;
    try {
      await client.query('begin');
      const acquire = (count: number) =>
        client.query('select pg_advisory_xact_lock($1, n) from generate_series(1, $2::int) n', [
          lockCount,
          count,
        ]);
      for (;;) {
        await client.query('savepoint more');
        try {
          await acquire(free);
          lockCount += free;
        } catch (error) {
          expect(error).toMatchObject({ code: '53200' });
          // Of these locks any number was acquired, perhaps all but one. Without those before them enough are free for the
          // catalogue, which is in the same server.
          await client.query('rollback to savepoint more; release savepoint more');
          await client.query('rollback to savepoint more');
          lockCount -= free;
          break;
        }
      }
      await run();
    } finally {
      await client.end();
    }
    return lockCount;
  }

  test('two days of a partitioned table are exported if the server cannot lock all partitions', async () => {
    const bounds = { from: '2020-03-01T00:00:00Z', to: '2020-03-03T00:00:00Z' };
    const wanted = await referenceCsv(
      'sales',
      `select * from ${schema}.days where at >= '${bounds.from}' and at < '${bounds.to}'`,
    );
    const lockCount = await withFewLocks(partitions / 2, async () => {
      await expect(
        sql(source, `begin; select count(*) from ${schema}.days; commit`),
      ).rejects.toMatchObject({
        code: '53200',
      });
      for (const more of [
        {},
        { format: 'xlsx' },
        { consistency: 'resumable' },
        { order: 'time' },
      ]) {
        const { id } = await createExport(requestOf('days', { ...bounds, ...more }));
        expect(await ended(id)).toMatchObject({ status: 'ready', error: null, file: { rows: 20 } });
        expect(await attemptsOf(id)).not.toContain('retried');
        if ('format' in more) continue;
        expect(sortedLines((await download(id)).bytes)).toBe(sortedLines(wanted));
      }
      const preview = await call('POST', '/exports/preview', {
        headers: asDemo,
        body: requestOf('days', bounds),
      });
      expect(preview.status).toBe(200);
    });
    console.info(`another session held ${lockCount} locks`);
  });

  test('all partitions of a table are exported if the server can lock them', async () => {
    const { id } = await createExport(requestOf('days'));
    expect(await ended(id)).toMatchObject({ status: 'ready', error: null });
    const wanted = await referenceCsv('sales', `select * from ${schema}.days`);
    expect(sortedLines((await download(id)).bytes)).toBe(sortedLines(wanted));
  });
});

test(`a source with ${tables} more tables is listed, and one of the tables is exported`, async () => {
  const columns = Array.from({ length: 25 }, (_, n) => `column_${n} text`).join(', ');
  await runInBatches(tables, (n) => `create table ${schema}.t_${n} (at timestamptz, ${columns})`);
  await sql(source, `insert into ${schema}.t_${tables - 1} values ('2024-01-01Z', 'x')`);
  for (const path of [
    '/sources',
    '/sources?source=sales',
    `/sources?source=sales&search=${schema}.t_`,
  ]) {
    const startedAt = performance.now();
    const answer = await call('GET', path, { headers: asDemo });
    const seconds = (performance.now() - startedAt) / 1_000;
    const found = answer.json(sourceListSchema).sources.find(({ name }) => name === 'sales');
    expect(found?.error).toBeUndefined();
    expect(answer.bytes.length).toBeLessThan(6_000_000);
    const listed =
      found?.datasets.filter(({ name }) => name.startsWith(`${schema}.t_`)).length ?? 0;
    expect(listed + (found?.datasetsLeftOut ?? 0)).toBeGreaterThanOrEqual(tables);
    console.info(`${path}: ${listed} of ${tables} in ${seconds.toFixed(1)} s`);
  }
  const { id } = await createExport(requestOf(`t_${tables - 1}`));
  expect(await ended(id)).toMatchObject({ status: 'ready', file: { rows: 1 } });
  const unknown = await call('POST', '/exports', { headers: asDemo, body: requestOf('t_none') });
  expect(unknown.problem()).toMatchObject({ status: 422, errors: [{ field: 'dataset' }] });
});

// Each attempt waits until the connection of a planning query is closed.
(isLong ? test : test.skip)(
  'a table is exported if its database allows the role one connection',
  async () => {
    const table = `${schema}.rows`;
    const rows = 400_000;
    await sql(
      source,
      `create table ${table} as select n as id, md5(n::text) as note from generate_series(1, ${rows}) n; analyze ${table}`,
    );
    const wanted = await referenceCsv('sales', `select * from ${table}`);
    const reader = 'streamsync_reader_sales';
    await sql(source, `alter role ${reader} connection limit 1`);
    try {
      for (const format of ['csv', 'parquet']) {
        const { id } = await createExport(requestOf('rows', { format }));
        expect(await ended(id, 120)).toMatchObject({
          status: 'ready',
          error: null,
          file: { rows },
        });
        if (format === 'csv')
          expect(sortedLines((await download(id)).bytes) === sortedLines(wanted)).toBe(true);
      }
    } finally {
      await sql(source, `alter role ${reader} connection limit -1`);
    }
  },
);
