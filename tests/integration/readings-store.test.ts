import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { backfillRollups } from '../../lib/ingest/backfill-rollups.ts';
import { maintainStore } from '../../lib/ingest/maintain-store.ts';
import { divideDefaultPartition } from '../../lib/ingest/partitions.ts';
import { deleteExpired } from '../../lib/ingest/retention.ts';
import { storeState } from '../../lib/ingest/store-state.ts';
import { writer } from '../../lib/ingest/writer.ts';
import { type OwnReadingsStore, openReadingsStore } from '../support/own-readings-store.ts';
import { wrongRollups } from '../support/rollups.ts';
import { sql } from '../support/stack.ts';

/** The tables as an earlier version left them in a home: those of the demo data, with two days of readings. */
const earlier = `
  create table series (series text primary key, unit text not null, site text not null, attributes jsonb not null);
  create table readings (series text not null, at timestamptz not null, value double precision, attributes jsonb)
    partition by range (at);
  create table readings_2025_11 partition of readings for values from ('2025-11-01 00:00Z') to ('2025-12-01 00:00Z');
  create table readings_other partition of readings default;
  alter table readings add unique (series, at);
  create index readings_at on readings (at);
  insert into series select 'old-' || n, 'bar', 'here', '{}' from generate_series(0, 9) n;
  insert into readings select 'old-' || n % 10, timestamptz '2025-11-03Z' + n * interval '17 seconds',
    (array[n::float8, null, 'NaN', 'Infinity', -n])[1 + n % 5] from generate_series(0, 10000) n;`;

let store: OwnReadingsStore;
beforeAll(async () => {
  store = await openReadingsStore({}, earlier);
});
afterAll(() => store?.end());

const partitions = async (): Promise<string[]> =>
  (
    await sql<{ name: string }>(
      store.url,
      `select inhrelid::regclass::text as name from pg_inherits where inhparent = 'readings'::regclass order by 1`,
    )
  ).map(({ name }) => name);

const monthName = (ahead: number): string => {
  const now = new Date();
  const month = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + ahead));
  return `readings_${month.toISOString().slice(0, 7).replace('-', '_')}`;
};

test('the migration keeps the rows of an earlier version and adds what ingest needs', async () => {
  expect(await partitions()).toEqual(
    ['readings_2025_11', monthName(0), monthName(1), monthName(2), 'readings_other'].toSorted(),
  );
  const [count] = await sql(
    store.url,
    'select count(*)::int as n, count(stream_id)::int as k from readings',
  );
  expect(count).toEqual({ n: 10_001, k: 0 });
  await sql(store.url, `insert into series (series, unit) values ('new', 'bar')`);
});

test('readings from before ingest get their rollups in slices, once', async () => {
  expect((await storeState(writer())).monthsWithoutRollups).toBe(1);
  await backfillRollups(60_000);
  expect((await storeState(writer())).monthsWithoutRollups).toBe(0);
  const [count] = await sql(
    store.url,
    'select count(*)::int as minutes, sum(count)::int as readings from readings_1m',
  );
  // Four of the ten series have finite values, one in 170 seconds.
  expect(count).toEqual({ minutes: 4_001, readings: 4_001 });
  expect(await wrongRollups(store.url, 'old-%')).toEqual([]);
});

test('the sweep creates the partitions of the next months, and those of months with many readings', async () => {
  await sql(store.url, `drop table ${monthName(2)}`);
  const inDefault = `insert into readings (series, at, value)
    select 'new', $1::timestamptz + n * interval '1 second', n from generate_series(1, $2::int) n`;
  await sql(store.url, inDefault, ['2019-05-31T23:00:00Z', 14_000]);
  expect((await storeState(writer())).readingsInDefaultPartition).toBe(14_000);
  await maintainStore();
  expect(await partitions()).toContain(monthName(2));
  await divideDefaultPartition();
  // The hour before June and the rest of it: only June has enough for a partition.
  expect(await partitions()).toContain('readings_2019_06');
  expect((await storeState(writer())).readingsInDefaultPartition).toBe(3_599);
  const [count] = await sql(
    store.url,
    `select count(*)::int as n from readings where series = 'new'`,
  );
  expect(count).toEqual({ n: 14_000 });
});

test('retention drops whole months and deletes their rollups and the rest of the default partition', async () => {
  await sql(
    store.url,
    `insert into readings (series, at, value) values ('new', now(), 1);
     insert into readings_1m values ('new', date_trunc('minute', now()), 1, 1, 1, 1, now(), 1)`,
  );
  await deleteExpired(100);
  expect(await partitions()).toEqual(
    [monthName(0), monthName(1), monthName(2), 'readings_other'].toSorted(),
  );
  expect((await storeState(writer())).readingsInDefaultPartition).toBe(0);
  const [left] = await sql(
    store.url,
    `select (select count(*) from readings)::int as readings, (select count(*) from readings_1m)::int as minutes,
       (select count(*) from readings_1h)::int as hours`,
  );
  expect(left).toEqual({ readings: 1, minutes: 1, hours: 0 });
});

test('the writer may do what ingest and the sweep need, and nothing else', async () => {
  const refused = [
    'create table x ()',
    'drop table series',
    'truncate readings',
    'delete from series',
    'delete from ingest_progress',
    `select readings_grant_writer('postgres')`,
    'alter table readings add column x int',
    'create temporary table x ()',
  ];
  for (const statement of refused)
    await expect(writer().query(statement)).rejects.toThrow(/permission denied|must be owner/);
});

test('the sweep gives up soon if a reader of the readings is in the way of a partition', async () => {
  await sql(store.url, `drop table ${monthName(2)}`);
  const reader = await writer().connect();
  try {
    await reader.query('begin');
    await reader.query('select from readings_other');
    await maintainStore();
    expect(await partitions()).not.toContain(monthName(2));
    await reader.query('commit');
  } finally {
    reader.release();
  }
  await maintainStore();
  expect(await partitions()).toContain(monthName(2));
});
