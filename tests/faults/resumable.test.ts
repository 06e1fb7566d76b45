import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createExport, download, ended, readExport } from '../stack/api.ts';
import { askParquet } from '../stack/duck.ts';
import { follow, type Topic } from '../stack/events.ts';
import { requireWhole } from '../stack/proof.ts';
import { readStack, referenceCsv, sourceUrl, sql, stack } from '../stack/stack.ts';
import { until } from '../stack/until.ts';

/**
 * A resumable export whose workers are killed at random. Its function makes the planner expect minutes
 * (so that it is divided), and each row take a moment (so that there is time to be killed in).
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
  results = await follow('exports.results');
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

/** Kills a worker now and then, until the export has ended or it was often enough. Returns how often. */
async function killWhileRunning(id: string, most: number): Promise<number> {
  let kills = 0;
  const end = performance.now() + 60_000;
  while (kills < most && performance.now() < end) {
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
  test('has every row once, and costs at most one unit for each kill', async () => {
    const { id } = await createExport(request);
    await until('it is divided', async () =>
      (await attemptsByUnit(id)).length >= 8 ? true : undefined,
    );
    const kills = await killWhileRunning(id, 6);
    await requireWhole(id, {
      reference: await referenceCsv('sales', `select r.*, 'x' as nothing from resumed_rows r`),
      results,
    });
    const units = await attemptsByUnit(id);
    const attempts = units.reduce((sum, unit) => sum + unit.attempts, 0);
    const again = attempts - units.length;
    console.info(`${units.length} units, ${kills} kills, ${again} attempts made again`);
    expect(units.map(({ state }) => state)).toEqual(Array(units.length).fill('done'));
    expect(kills).toBeGreaterThan(0);
    expect(again).toBeLessThanOrEqual(kills);
  });

  test('with a writer at work keeps what its manifest promises', async () => {
    const source = sourceUrl('sales');
    const { id } = await createExport(request);
    const state = { stop: false };
    // Touches rows below 2,000, makes new ones, and leaves the others alone; no key is changed.
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
    // Every row that was there is there once; those nobody touched as they were.
    expect(old.map(([key]) => Number(key)).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: rows }, (_, n) => n + 1),
    );
    const untouched = old.filter(([key]) => Number(key) >= 2_000);
    expect(untouched.filter(([, , , touched]) => touched !== '0')).toEqual([]);
    // Of new ones any that a unit saw, none twice.
    const added = exported.filter(([key]) => Number(key) > rows).map(([key]) => key);
    expect(new Set(added).size).toBe(added.length);
    expect(document.file?.rows).toBe(lines.length);
  });
});

const isLong = process.env.STREAMSYNC_TEST_LONG === '1';
const extensions = `resumed_extensions_${Date.now()}`;

// Keys whose operators no search_path finds, and more booleans than a page of a Parquet file had room for.
(isLong ? test : test.skip)('keys of an extension elsewhere, and Parquet of them', async () => {
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
      await requireWhole(csv.id, { reference, results });
      const { status, file } = await ended(parquet.id, 90);
      expect([status, file?.rows]).toEqual(['ready', 60_000]);
      const { bytes } = await download(parquet.id);
      const counted = (path: string): string =>
        `select count(*)::int as rows, count(distinct lower(code))::int as codes,
           (count(*) filter (where even))::int as even from ${path}`;
      expect(await askParquet(bytes, counted)).toEqual([
        { rows: 60_000, codes: 60_000, even: 30_000 },
      ]);
    }
  } finally {
    await sql(source, `drop schema ${extensions} cascade`);
  }
});
