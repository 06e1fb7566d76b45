import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { migrate } from '../../infra/postgres/migrate.ts';
import { rollupOfMinutes, rollupOfReadings } from '../../lib/ingest/rollups.ts';
import { secondsOf as secondsOfBucket } from '../../lib/readings/buckets.ts';
import { readSeries } from '../../lib/readings/query-readings.ts';
import { sourceUrl, sql } from '../support/stack.ts';
import { median, secondsOf } from './measure.ts';

/**
 * How long the chart of a year of one series takes, from rollups and from its readings, in rounds by turns. The series is
 * in a database of the bench's own, which is dropped.
 */
const readingCount = 10_000_000;
const year = { from: '2025-01-01T00:00:00Z', to: '2026-01-01T00:00:00Z' };
const series = 'bench';
const rounds = 5;
const maxMs = 50;

/** Loads a month at a time, so that no transaction is large. */
async function load(client: pg.Client): Promise<void> {
  await client.query(`insert into series (series, unit) values ('${series}', 'bar')`);
  for (let month = 1; month <= 12; month++) {
    const start = `'2025-01-01Z'::timestamptz + interval '${month - 1} months'`;
    await client.query(`select readings_create_partition((${start})::date)`);
    const step = `interval '${(365 * 86_400) / readingCount} seconds'`;
    const number = (instant: string): string =>
      `ceil(extract(epoch from ${instant} - '2025-01-01Z'::timestamptz) / extract(epoch from ${step}))::int`;
    await client.query(
      `insert into readings (series, at, value)
       select '${series}', '2025-01-01Z'::timestamptz + n * ${step}, 6 + sin(n / 5000.0) + random() / 10
       from generate_series(${number(start)}, ${number(`(${start} + interval '1 month')`)} - 1) n`,
    );
  }
  const bucket = (length: string): string => `date_bin('1 ${length}', at, '2001-01-01Z')`;
  await client.query(
    `insert into readings_1m (series, at, min, max, sum, last, last_at, count)
     select series, ${bucket('minute')}, ${rollupOfReadings} from readings group by 1, 2`,
  );
  await client.query(
    `insert into readings_1h (series, at, min, max, sum, last, last_at, count)
     select series, ${bucket('hour')}, ${rollupOfMinutes} from readings_1m group by 1, 2`,
  );
  await client.query('vacuum analyze');
}

async function readChart(client: pg.Client): Promise<{ bucket: string; points: number }> {
  await client.query('begin isolation level repeatable read read only');
  const { bucket, points } = await readSeries(client, { series, ...year });
  await client.query('commit');
  return { bucket, points: points.length };
}

const readRaw = (client: pg.Client, bucket: string): Promise<unknown> =>
  client.query(
    `select date_bin(make_interval(secs => $4), at, '2001-01-01Z'), min(value), max(value), avg(value),
       (array_agg(value order by at desc))[1], count(*)
     from readings where series = $1 and at >= $2 and at < $3 group by 1 order by 1`,
    [series, year.from, year.to, secondsOfBucket(bucket)],
  );

/** Returns whether the chart is as fast as it has to be. */
export async function measureChart(): Promise<boolean> {
  const superuser = sourceUrl('iot');
  const database = `chart_${randomBytes(6).toString('hex')}`;
  const url = new URL(superuser);
  url.pathname = `/${database}`;
  await sql(superuser, `create database ${database}`);
  const client = new pg.Client({ connectionString: url.href });
  try {
    await client.connect();
    await migrate(url.href, 'readings');
    const seconds = await secondsOf(() => load(client));
    const [size] = await sql<{ size: string; rows: string }>(
      url.href,
      `select pg_size_pretty(pg_database_size('${database}')) as size, count(*) as rows from readings`,
    );
    console.log(
      `${size?.rows} readings of a year in one series, ${size?.size}, loaded in ${seconds.toFixed(0)} s`,
    );
    const charts: number[] = [];
    const raws: number[] = [];
    let chart = await readChart(client);
    for (let round = 0; round < rounds; round++) {
      charts.push(
        1_000 *
          (await secondsOf(async () => {
            chart = await readChart(client);
          })),
      );
      raws.push(1_000 * (await secondsOf(() => readRaw(client, chart.bucket))));
    }
    const list = (all: readonly number[]): string => all.map((ms) => ms.toFixed(0)).join(' ');
    console.log(
      `chart of ${chart.points} points of ${chart.bucket}, from rollups: ${median(charts).toFixed(1)} ms (at most ${maxMs}); rounds ${list(charts)}`,
    );
    console.log(`the same from readings: ${median(raws).toFixed(0)} ms; rounds ${list(raws)}`);
    console.log(`rollups are ${(median(raws) / median(charts)).toFixed(0)} times as fast`);
    return median(charts) <= maxMs;
  } finally {
    await client.end();
    await sql(superuser, `drop database ${database} with (force)`);
  }
}
