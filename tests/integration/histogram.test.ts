import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { histogramSchema } from '../../lib/contracts/sources.ts';
import { asDemo, call } from '../support/api.ts';
import { sourceUrl, sql } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

/** A schema of this file's own; its rows get sparser with time. */
const schema = `histogram_${Date.now()}`;
const source = sourceUrl('sales');
const quadratic = `select timestamptz '2024-01-01Z' + (n * n) * interval '1 second' as at from generate_series(1, 4000) n`;

beforeAll(async () => {
  await sql(
    source,
    `create schema ${schema};
     create table ${schema}.instants as ${quadratic};
     insert into ${schema}.instants select 'infinity' from generate_series(1, 500);
     insert into ${schema}.instants select null from generate_series(1, 500);
     create table ${schema}.local as select (at at time zone 'UTC')::timestamp as at from (${quadratic}) r;
     create table ${schema}.days as select (at at time zone 'UTC')::date as at from (${quadratic}) r;
     create materialized view ${schema}.kept as ${quadratic};
     create view ${schema}.seen as ${quadratic};
     create table ${schema}.months (at timestamptz) partition by range (at);
     create table ${schema}.first partition of ${schema}.months for values from (minvalue) to ('2024-03-01Z');
     create table ${schema}.later partition of ${schema}.months for values from ('2024-03-01Z') to (maxvalue);
     insert into ${schema}.months ${quadratic};
     create table ${schema}.timeless as select 1 as id;
     create table ${schema}.empty (at timestamptz);
     create table ${schema}."a/b %41 ü" as ${quadratic};
     create table ${schema}.outside as select * from (values (date '0044-03-15 BC'), ('-infinity'), ('5874897-12-31'), ('2024-01-01'), ('2024-01-02')) v(at),
       generate_series(1, 20)`,
  );
  const analyzed = ['instants', 'local', 'days', 'kept', 'first', 'later', 'empty', 'outside'];
  for (const name of [...analyzed, '"a/b %41 ü"']) await sql(source, `analyze ${schema}.${name}`);
});
afterAll(async () => {
  await sql(source, `drop schema ${schema} cascade`);
});

const path = (name: string, dataset: string, query = ''): string =>
  `/sources/${name}/datasets/${encodeURIComponent(dataset)}/histogram${query}`;

async function histogram(dataset: string, query = '', name = 'sales') {
  const answer = await call('GET', path(name, dataset, query), { headers: asDemo });
  expect(answer.status).toBe(200);
  return answer.json(histogramSchema);
}

type Histogram = Awaited<ReturnType<typeof histogram>>;

/** Asserts that each bucket has about the actual number of rows and starts where the previous one ends. */
async function assertAccurate(
  { buckets }: Histogram,
  name: string,
  relation: string,
  column: string,
) {
  expect(buckets.length).toBeGreaterThan(0);
  const counted = await sql<{ rows: number }>(
    `${sourceUrl(name)}?options=${encodeURIComponent('-c TimeZone=UTC')}`,
    `select (select count(*)::int from ${relation} where ${column} >= b."from"::timestamptz and ${column} < b."to"::timestamptz) as rows
     from json_to_recordset($1) b("from" text, "to" text) order by b."from"`,
    [JSON.stringify(buckets)],
  );
  const all = counted.reduce((sum, { rows }) => sum + rows, 0);
  const estimatedRows = buckets.reduce((sum, { rows }) => sum + rows, 0);
  const [total] = await sql<{ rows: number }>(
    sourceUrl(name),
    `select count(*)::int as rows from ${relation} where isfinite(${column})`,
  );
  // ANALYZE reads a sample, which lacks the very first and last rows of a large table.
  expect(all).toBeLessThanOrEqual(total?.rows ?? 0);
  expect(all).toBeGreaterThan(0.98 * (total?.rows ?? 0));
  expect(estimatedRows).toBeGreaterThan(all / 1.1);
  expect(estimatedRows).toBeLessThan(all * 1.1);
  for (const [n, { from, rows }] of buckets.entries()) {
    if (n > 0) expect(from).toBe(buckets[n - 1]?.to);
    const actualRows = counted[n]?.rows ?? 0;
    // Statistics have 100 parts, so a difference of less than 2 of them does not count.
    expect(rows).toBeGreaterThan(actualRows / 2 - all / 50);
    expect(rows).toBeLessThan(actualRows * 2 + all / 50);
  }
}

describe('histogram buckets', () => {
  test.each([
    ['sales', 'orders', 'ordered_at'],
    ['sales', 'crm.contacts', 'born_on'],
    ['iot', 'readings', 'at'],
  ])('the histogram of the demo data is accurate: %s, %s', async (name, dataset, column) => {
    await sql(sourceUrl(name), `analyze ${dataset}`);
    const found = await histogram(dataset, '', name);
    expect(found).toMatchObject({
      dataset,
      timeColumn: column,
      basis: 'statistics',
      reason: null,
    });
    expect(found.buckets.length).toBeGreaterThan(15);
    await assertAccurate(found, name, dataset, column);
  });

  test.each(['instants', 'local', 'days', 'kept', 'months', 'a/b %41 ü'])(
    'the histogram of %s is accurate',
    async (name) => {
      const found = await histogram(`${schema}.${name}`);
      expect(found).toMatchObject({ basis: 'statistics', reason: null });
      await assertAccurate(found, 'sales', `${schema}."${name}"`, 'at');
      for (const { from } of name === 'days' ? found.buckets : [])
        expect(from).toMatch(/T00:00:00/);
    },
  );

  test('a histogram has the requested bounds and at most the requested number of buckets', async () => {
    const from = '2024-01-15T12:00:00.000Z';
    const to = '2024-03-01T00:00:00.000Z';
    const { buckets } = await histogram(`${schema}.instants`, `?from=${from}&to=${to}&buckets=7`);
    expect(buckets.length).toBeLessThanOrEqual(7);
    expect(buckets.at(0)?.from).toBe(from);
    expect(buckets.at(-1)?.to).toBe(to);
    const one = await histogram(`${schema}.instants`, '?buckets=1');
    expect(one.buckets).toHaveLength(1);
    expect(one.buckets[0]?.rows).toBeGreaterThan(3_600);
    expect(one.buckets[0]?.rows).toBeLessThan(4_400);
  });

  test('a histogram leaves out infinite times, and those before year 1 or after year 9999', async () => {
    const { buckets } = await histogram(`${schema}.outside`);
    expect(buckets).toEqual([
      { from: '2024-01-01T00:00:00.000Z', to: '2024-01-02T00:00:00.000Z', rows: 20 },
      { from: '2024-01-02T00:00:00.000Z', to: '2024-01-03T00:00:00.000Z', rows: 20 },
    ]);
  });

  test('a histogram leaves out a partition that is not analyzed, and says so', async () => {
    await sql(
      source,
      `create table ${schema}.halves (at timestamptz) partition by range (at);
       create table ${schema}.seen_half partition of ${schema}.halves for values from (minvalue) to ('2024-03-01Z');
       create table ${schema}.other_half partition of ${schema}.halves for values from ('2024-03-01Z') to (maxvalue)
         with (autovacuum_enabled = off);
       insert into ${schema}.halves ${quadratic};
       analyze ${schema}.seen_half`,
    );
    const { buckets, reason } = await histogram(`${schema}.halves`);
    expect(reason).toMatch(/not analyzed/);
    expect(buckets.at(-1)?.to.slice(0, 7)).toBe('2024-02');
    await sql(source, `analyze ${schema}.halves`);
    const known = await histogram(`${schema}.halves`);
    expect(known.reason).toBeNull();
    await assertAccurate(known, 'sales', `${schema}.halves`, 'at');
  });
});

test.each([
  ['timeless', null, /no time column/],
  ['seen', null, /is a view/],
  ['empty', 'statistics', /no rows/],
])('the histogram of %s has no buckets and says why', async (name, basis, reason) => {
  const found = await histogram(`${schema}.${name}`);
  expect(found).toMatchObject({ basis, buckets: [] });
  expect(found.reason).toMatch(reason);
});

test.each([
  ['a source without a grant', 'hr', 'orders'],
  ['an unknown dataset', 'sales', 'nothing'],
  ['a system catalog', 'sales', 'pg_catalog.pg_class'],
])('the histogram of %s is not found', async (_, name, dataset) => {
  const problem = (await call('GET', path(name, dataset), { headers: asDemo })).problem();
  expect(problem).toMatchObject({ status: 404, code: 'not_found' });
});

test.each([
  ['buckets=0', 'buckets'],
  ['buckets=61', 'buckets'],
  ['buckets=x', 'buckets'],
  ['from=yesterday', 'from'],
  ['from=2024-01-02T00:00:00Z&to=2024-01-02T00:00:00Z', 'from'],
  ['until=2024-01-02T00:00:00Z', 'until'],
])('a histogram with %s is rejected', async (query, field) => {
  const answer = await call('GET', path('sales', 'orders', `?${query}`), { headers: asDemo });
  expect(answer.problem()).toMatchObject({
    status: 422,
    errors: [expect.objectContaining({ field })],
  });
});

test('the histogram of a dataset that was never analyzed is empty and says why', async () => {
  await sql(
    source,
    `create table ${schema}.unseen with (autovacuum_enabled = off) as ${quadratic}`,
  );
  const found = await histogram(`${schema}.unseen`);
  expect(found).toMatchObject({ basis: null, buckets: [] });
  expect(found.reason).toMatch(/not analyzed/);
});

test('a histogram does not wait for an access exclusive lock, because it does not read the dataset', async () => {
  let isHeld = true;
  const lockHolder = sql(
    source,
    `begin; lock table ${schema}.instants; select pg_sleep(2); commit`,
  ).finally(() => {
    isHeld = false;
  });
  await waitFor('the lock is held', async () => {
    const locks = await sql(
      source,
      `select 1 from pg_locks where relation = '${schema}.instants'::regclass and mode = 'AccessExclusiveLock' and granted`,
    );
    return locks.length > 0 ? true : undefined;
  });
  const { buckets } = await histogram(`${schema}.instants`);
  expect(buckets.length).toBeGreaterThan(0);
  expect(isHeld).toBe(true);
  await lockHolder;
});
