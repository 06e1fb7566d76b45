import type { Queryable } from '../runtime/catalogue.ts';
import { instantArray, textArray } from './binary-arrays.ts';

/** Buckets of series: series and the start of the bucket in microseconds since 1970, in parallel. */
interface Buckets {
  series: string[];
  starts: number[];
}

export interface Instant {
  series: string;
  atMicros: number;
}

const microsPerMinute = 60_000_000;
const microsPerHour = 60 * microsPerMinute;

/**
 * Recomputes the rollups of the minutes and hours of these readings, which are stored already and whose series are
 * locked: minutes from readings, hours from minutes. So late readings and replaced values need no special case.
 */
export async function recomputeRollups(
  client: Queryable,
  readings: Iterable<Instant>,
): Promise<void> {
  const minutes = touchedBuckets(readings, microsPerMinute);
  await recompute(client, minuteRollups, minutes);
  const ofMinutes = minutes.series.map((series, index) => ({
    series,
    atMicros: minutes.starts[index] ?? 0,
  }));
  await recompute(client, hourRollups, touchedBuckets(ofMinutes, microsPerHour));
}

function touchedBuckets(readings: Iterable<Instant>, length: number): Buckets {
  const starts = new Map<string, Set<number>>();
  for (const { series, atMicros } of readings) {
    const start = Math.floor(atMicros / length) * length;
    const known = starts.get(series);
    if (known) known.add(start);
    else starts.set(series, new Set([start]));
  }
  const buckets: Buckets = { series: [], starts: [] };
  for (const [series, all] of starts)
    for (const start of all) {
      buckets.series.push(series);
      buckets.starts.push(start);
    }
  return buckets;
}

async function recompute(client: Queryable, sql: string, buckets: Buckets): Promise<void> {
  if (buckets.series.length === 0) return;
  await client.query(sql, [textArray(buckets.series), instantArray(buckets.starts)]);
}

/**
 * The sum of doubles fails if it overflows, and so does a division that underflows. So where values are that large, those
 * above 1e200 are added in units of 2^200 (the others are too small to change a digit), and a sum that is still too large
 * becomes the largest double.
 */
const largest = '1.7976931348623157e308';
const safeSum = (value: string): string => `case
  when max(abs(${value})) < 1e290 then sum(${value} order by at) filter (where abs(${value}) < 1e290)
  else greatest(least(sum(${value} / 2 ^ 200 order by at) filter (where abs(${value}) > 1e200),
    ${largest} / 2 ^ 200), -${largest} / 2 ^ 200) * 2 ^ 200 end`;

/** Null, NaN and the infinities, which the demo data has, count as no value: no chart can draw them. */
export const isFinite = `value > '-Infinity' and value < 'Infinity'`;

/**
 * The columns of a rollup of readings. Doubles are added in the order of time: a sum does not depend on the order in which
 * the readings came. The index has that order already.
 */
export const rollupOfReadings = `
  min(value) as min, max(value) as max, ${safeSum('value')} as sum,
  (array_agg(value order by at))[count(*)] as last, max(at) as last_at, count(*) as count`;

export const rollupOfMinutes = `
  min(min) as min, max(max) as max, ${safeSum('sum')} as sum,
  (array_agg(last order by at))[count(*)] as last, max(last_at) as last_at, sum(count)::bigint as count`;

export const replaceRollup = `
  on conflict (series, at) do update set min = excluded.min, max = excluded.max, sum = excluded.sum,
    last = excluded.last, last_at = excluded.last_at, count = excluded.count`;

const columns = '(series, at, min, max, sum, last, last_at, count)';

const minuteRollups = `
  insert into public.readings_1m ${columns}
  select bucket.series, bucket.at, rollup.*
  from unnest($1::text[], $2::timestamptz[]) bucket (series, at)
  cross join lateral (
    select ${rollupOfReadings} from public.readings r
    where r.series = bucket.series and r.at >= bucket.at and r.at < bucket.at + interval '1 minute'
      and ${isFinite}
    having count(*) > 0) rollup
  ${replaceRollup}`;

const hourRollups = `
  insert into public.readings_1h ${columns}
  select bucket.series, bucket.at, rollup.*
  from unnest($1::text[], $2::timestamptz[]) bucket (series, at)
  cross join lateral (
    select ${rollupOfMinutes} from public.readings_1m m
    where m.series = bucket.series and m.at >= bucket.at and m.at < bucket.at + interval '1 hour'
    having count(*) > 0) rollup
  ${replaceRollup}`;
