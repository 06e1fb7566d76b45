import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createExport, download, ended, readExport } from '../support/api.ts';
import { queryParquet } from '../support/duckdb.ts';
import { consume, type Topic } from '../support/events.ts';
import { assertComplete } from '../support/export-invariants.ts';
import { readStack, referenceCsv, sourceUrl, sql, stack } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

/**
 * A resumable export whose workers are killed at random. Its function makes the planner expect some minutes, so that
 * the export is divided, and delays each row, so that there is time for kills.
 */
let results: Topic;
const rows = 4_000;
const request = {
  sources: ['sales'],
  dataset: 'resumed',
  format: 'csv',
  consistency: 'resumable',
};

beforeAll(async () => {
  const source = sourceUrl('sales');
  await sql(
    source,
    `create or replace function resumed_moment(bigint) returns text language plpgsql stable
       cost 6000000 as $$ begin perform pg_sleep(0.002); return 'x'; end $$`,
  );
  await sql(
    source,
    `create table if not exists resumed_rows as
       select n as id, timestamptz '2024-01-01Z' + n * interval '1 minute' as at, md5(n::text) as text,
         0 as touched
       from generate_series(1, ${rows}) n`,
  );
  await sql(source, 'create unique index on resumed_rows (id)');
  await sql(source, 'create index on resumed_rows (at)');
  await sql(source, 'analyze resumed_rows');
  await sql(source, 'grant select on resumed_rows to streamsync_reader_sales');
  await sql(
    source,
    'create or replace view resumed as select r.*, resumed_moment(r.id) as nothing from resumed_rows r',
  );
  results = await consume('exports.results');
});
afterEach(() => stopWriting());
afterAll(async () => {
  await results.close();
  await sql(
    sourceUrl('sales'),
    'drop table resumed_rows cascade; drop function resumed_moment(bigint)',
  );
});

let writing: { stop: boolean; done: Promise<number> } | undefined;
async function stopWriting(): Promise<number> {
  if (!writing) return 0;
  writing.stop = true;
  const writes = await writing.done;
  writing = undefined;
  return writes;
}

const workers = async () =>
  (await readStack()).processes.filter(({ name }) => name.startsWith('export-worker-'));

/**
 * Kills random workers, one every 0.4 to 1.2 s, until the export is ready or `maxKills` is reached. Returns the
 * number of kills.
 */
async function killWhileRunning(id: string, maxKills: number): Promise<number> {
  let kills = 0;
  const end = performance.now() + 60_000;
  while (kills < maxKills && performance.now() < end) {
    await new Promise((passed) => setTimeout(passed, 400 + Math.random() * 800));
    const { status } = await readExport(id);
    if (status === 'ready') break;
    const running = await workers();
    const victim = running[Math.floor(Math.random() * running.length)];
    if (!victim) continue;
    process.kill(victim.pid, 'SIGKILL');
    kills++;
  }
  return kills;
}

const attemptsByUnit = (id: string) =>
  sql<{ kind: string; attempts: number; lost: number; state: string }>(
    stack.postgres.catalogue,
    `select u.kind, u.state, count(a.*)::int as attempts,
       (count(*) filter (where a.state = 'lost'))::int as lost
     from units u left join attempts a on a.unit_id = u.id where u.export_id = $1
     group by u.id order by u.kind desc, u.ordinal`,
    [id],
  );

describe('a resumable export whose workers are killed at random', () => {
  test('a resumable export has every row once, and repeats at most one unit per kill of a worker', async () => {
    const { id } = await createExport(request);
    await waitFor('the export is divided', async () =>
      (await attemptsByUnit(id)).length >= 8 ? true : undefined,
    );
    const kills = await killWhileRunning(id, 6);
    await assertComplete(id, {
      reference: await referenceCsv('sales', `select r.*, 'x' as nothing from resumed_rows r`),
      results,
    });
    const units = await attemptsByUnit(id);
    const attempts = units.reduce((sum, unit) => sum + unit.attempts, 0);
    const repeated = attempts - units.length;
    console.info(`${units.length} units, ${kills} kills, ${repeated} repeated attempts`);
    expect(units.map(({ state }) => state)).toEqual(Array(units.length).fill('done'));
    expect(kills).toBeGreaterThan(0);
    expect(repeated).toBeLessThanOrEqual(kills);
  });

  test('a resumable export keeps the promises of its manifest while rows are written and workers killed', async () => {
    const source = sourceUrl('sales');
    const { id } = await createExport(request);
    const state = { stop: false };
    // Updates rows below 2,000 and inserts new ones. It changes no key and no other row.
    const write = async (): Promise<number> => {
      let writes = 0;
      while (!state.stop && writes < 2_000) {
        await sql(
          source,
          `with touched as (update resumed_rows set touched = touched + 1 where id = $1)
           insert into resumed_rows select $2::int, now(), 'new', -1`,
          [1 + Math.floor(Math.random() * 1_999), 1_000_000 + writes],
        );
        writes++;
      }
      return writes;
    };
    writing = Object.assign(state, { done: write() });
    await killWhileRunning(id, 3);
    const document = await ended(id, 90);
    const writes = await stopWriting();
    expect(document.status).toBe('ready');
    expect(writes).toBeGreaterThan(0);
    const [, ...lines] = (await download(id)).bytes.toString().trimEnd().split('\n');
    const exported = lines.map((line) => line.split(','));
    const old = exported.filter(([key]) => Number(key) <= rows);
    // Every initial row is there once; rows from 2,000 on are unchanged.
    expect(old.map(([key]) => Number(key)).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: rows }, (_, n) => n + 1),
    );
    const untouched = old.filter(([key]) => Number(key) >= 2_000);
    expect(untouched.filter(([, , , touched]) => touched !== '0')).toEqual([]);
    // New rows may be there, each at most once.
    const added = exported.filter(([key]) => Number(key) > rows).map(([key]) => key);
    expect(new Set(added).size).toBe(added.length);
    expect(document.file?.rows).toBe(lines.length);
  });
});

const isLong = process.env.STREAMSYNC_TEST_LONG === '1';
const extensions = `resumed_extensions_${Date.now()}`;

// Keys with operators on no search path, and more booleans than once fitted into a page of a Parquet file.
(isLong ? test : test.skip)(
  'keys of an extension outside the search path are exported as csv and Parquet',
  async () => {
    const source = sourceUrl('sales');
    const table = `${extensions}.rows`;
    await sql(
      source,
      `create schema ${extensions}; create extension citext schema ${extensions};
     create table ${table} (code ${extensions}.citext primary key, n int, even boolean)
       with (autovacuum_enabled = off);
     insert into ${table} select case when n % 2 = 0 then upper(md5(n::text)) else md5(n::text) end, n, n % 2 = 0
       from generate_series(1, 60000) n;
     analyze ${table};
     update pg_statistic set stawidth = (30 * 60 / 12e-9 / 60000 / 3)::int where starelid = '${table}'::regclass;
     grant usage on schema ${extensions} to public; grant select on ${table} to public`,
    );
    try {
      const keyed = { ...request, dataset: table };
      const reference = await referenceCsv('sales', `select * from ${table}`);
      for (let run = 0; run < 3; run++) {
        const [csv, parquet] = await Promise.all([
          createExport(keyed),
          createExport({ ...keyed, format: 'parquet' }),
        ]);
        await killWhileRunning(parquet.id, 4);
        await assertComplete(csv.id, { reference, results });
        const { status, file } = await ended(parquet.id, 90);
        expect([status, file?.rows]).toEqual(['ready', 60_000]);
        const { bytes } = await download(parquet.id);
        const counted = (path: string): string =>
          `select count(*)::int as rows, count(distinct lower(code))::int as codes,
           (count(*) filter (where even))::int as even from ${path}`;
        expect(await queryParquet(bytes, counted)).toEqual([
          { rows: 60_000, codes: 60_000, even: 30_000 },
        ]);
      }
    } finally {
      await sql(source, `drop schema ${extensions} cascade`);
    }
  },
);
