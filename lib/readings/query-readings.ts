import type { Account } from '../access/accounts.ts';
import { canonicalInstant } from '../contracts/canonical-instant.ts';
import { isAfter } from '../contracts/instant.ts';
import { maxPoints, type Point, type Readings, type ReadingsQuery } from '../contracts/readings.ts';
import { sizeText } from '../contracts/sizes.ts';
import type { Queryable } from '../runtime/catalogue.ts';
import { AppError, invalidFields } from '../runtime/errors.ts';
import { askedBy, askSource } from '../sources/question.ts';
import {
  bucketOrigin,
  chooseBucket,
  countBuckets,
  instantOf,
  type Range,
  type Span,
  secondsOf,
  spansOf,
} from './buckets.ts';
import { readableReadingsOf } from './readings-source.ts';

/** A range with fewer readings is read without rollups, which takes a few milliseconds. */
const fewReadings = 20_000;
/** For a range with at least this number of readings a bucket is chosen that is read from rollups. */
const manyReadings = 100_000;
/** A range with more readings is not read without rollups. */
const maxReadings = 500_000;

/**
 * Returns the readings of a series in buckets of time. Throws `not_found` for a series that does not exist or that the
 * account may not read, `forbidden` if its grant can only be applied to an export, and `invalid_request` for a range that has too many buckets, or too many readings without
 * rollups.
 */
export async function queryReadings(account: Account, query: ReadingsQuery): Promise<Readings> {
  const { series, from, to } = query;
  if (from !== undefined && to !== undefined && !isAfter(to, from))
    throw invalidFields([{ field: 'from', message: 'must be before `to`' }]);
  const readable = readableReadingsOf(account);
  if (!readable || readable.series?.has(series) === false) throw unknownSeries(series);
  return askSource(readable.source, askedBy(account), (client) => readSeries(client, query));
}

const unknownSeries = (series: string): AppError =>
  new AppError('not_found', `There is no series ${series}.`);

/**
 * Returns the readings of a series, and throws what `queryReadings` throws.
 *
 * @param client in a transaction with one snapshot, in which readings and rollups agree
 */
export async function readSeries(client: Queryable, query: ReadingsQuery): Promise<Readings> {
  const { series } = query;
  const range = await rangeOf(client, query);
  if (!isAfter(range.to, range.from)) return { series, bucket: query.bucket ?? '1m', points: [] };
  const bucket = query.bucket ?? (await bucketFor(client, series, range));
  const bucketSeconds = secondsOf(bucket);
  const buckets = countBuckets(range, bucketSeconds);
  if (buckets > maxPoints)
    throw invalidFields([
      {
        field: 'bucket',
        message: `gives ${sizeText(buckets)} points, of which at most ${sizeText(maxPoints)} are allowed: use ${chooseBucket(range)}, or a shorter range`,
      },
    ]);
  const spans = await chooseSpans(client, series, range, bucketSeconds);
  return { series, bucket, points: await readPoints(client, series, bucketSeconds, spans) };
}

/**
 * Returns the range of a query. Where it has no bounds, it begins with the first and ends after the last reading or
 * rollup of the series, which are found by their indexes. Throws `not_found`.
 */
async function rangeOf(client: Queryable, { series, from, to }: ReadingsQuery): Promise<Range> {
  const { rowCount } = await client.query('select from public.series s where s.series = $1', [
    series,
  ]);
  if (rowCount === 0) throw unknownSeries(series);
  if (from !== undefined && to !== undefined) return { from, to };
  const { rows } = await client.query<{ from: string | null; to: string | null }>(
    `select ${instantText(firstOfReadings)} as from,
       ${instantText(`greatest(hours.last, readings.last) + interval '1 us'`)} as to
     from (
       select
         (select h.at from public.readings_1h h where h.series = $1 order by h.at limit 1) as first,
         (select h.last_at from public.readings_1h h where h.series = $1 order by h.at desc limit 1) as last
     ) hours
     cross join (
       select
         (select r.at from public.readings r where ${ofSeries} and ${hasYear('r.at')} order by r.series, r.at limit 1) as first,
         (select r.at from public.readings r where ${ofSeries} and ${hasYear('r.at')} order by r.series desc, r.at desc limit 1) as last
     ) readings`,
    [series],
  );
  const [row] = rows;
  const never = instantOf(0);
  return {
    from: from ?? canonical(row?.from ?? null) ?? never,
    to: to ?? canonical(row?.to ?? null) ?? never,
  };
}

/** Returns the parts of a range whose rollups the sweep has yet to compute, in the order of time. */
async function unrolledOf(client: Queryable, { from, to }: Range): Promise<Range[]> {
  const { rows } = await client.query<{ from: string; to: string }>(
    `select ${instantText('greatest(u.starts_at, $1::timestamptz)')} as from,
       ${instantText('least(u.ends_at, $2::timestamptz)')} as to
     from public.readings_unrolled() u
     where u.starts_at < $2 and u.ends_at > $1 order by u.starts_at`,
    [from, to],
  );
  return rows.map((row) => ({ from: canonical(row.from) ?? from, to: canonical(row.to) ?? to }));
}

/** An hour begins before its first reading, which is only unknown if retention has removed it. */
const firstOfReadings = `case when readings.first >= hours.first + interval '1 h' then hours.first
  else coalesce(readings.first, hours.first) end`;

/** With this condition and order only the index by series and time is used, never the one by time alone. */
const ofSeries = 'r.series = any(array[$1])';

/** Returns SQL for whether a time is one that a request can have, neither infinite nor before the year 1. */
const hasYear = (at: string): string => `${at} >= '0001-01-01Z' and ${at} < '10000-01-01Z'`;

const instantText = (at: string): string =>
  `to_char((${at}) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

function canonical(text: string | null): string | null {
  const read = text === null ? undefined : canonicalInstant(text);
  return read && 'instant' in read ? read.instant : null;
}

async function bucketFor(client: Queryable, series: string, range: Range): Promise<string> {
  const bucket = chooseBucket(range);
  const isOfReadings = secondsOf(bucket) < 60;
  return isOfReadings && (await countUpTo(client, manyReadings, series, range)) === manyReadings
    ? chooseBucket(range, 60)
    : bucket;
}

/** Returns the number of readings of a range, or `limit` if there are more. Reads as many entries of the index. */
async function countUpTo(
  client: Queryable,
  limit: number,
  series: string,
  { from, to }: Range,
): Promise<number> {
  const { rows } = await client.query<{ count: number }>(
    `select count(*)::float8 as count from (
       select from public.readings r where r.series = $1 and r.at >= $2 and r.at < $3 limit $4) counted`,
    [series, from, to, limit],
  );
  return rows[0]?.count ?? 0;
}

/** Returns whether at least `fewReadings` readings of a range have rollups. The first hours are enough if they are many. */
async function isRolledUpDensely(
  client: Queryable,
  series: string,
  { from, to }: Range,
): Promise<boolean> {
  const { rowCount } = await client.query(
    `select from (
       select sum(h.count) over (order by h.at rows unbounded preceding) as total from public.readings_1h h
       where h.series = $1 and h.at >= $2 and h.at < $3) running
     where total >= $4 limit 1`,
    [series, from, to, fewReadings],
  );
  return rowCount === 1;
}

/** Returns the spans to read. Throws `invalid_request` if they have too many readings. */
async function chooseSpans(
  client: Queryable,
  series: string,
  range: Range,
  bucketSeconds: number,
): Promise<Span[]> {
  const asReadings: Span = { table: 'readings', ...range };
  const isRolledUp = spansOf(range, bucketSeconds).some(({ table }) => table !== 'readings');
  if (isRolledUp && (await hasFewReadings(client, series, range))) return [asReadings];
  const unrolled = isRolledUp ? await unrolledOf(client, range) : [range];
  const spans: Span[] = [];
  let { from } = range;
  for (const part of unrolled) {
    await requireReadable(client, series, part);
    spans.push(...spansOf({ from, to: part.from }, bucketSeconds), { table: 'readings', ...part });
    from = part.to;
  }
  return [...spans, ...spansOf({ from, to: range.to }, bucketSeconds)];
}

/** Returns whether a range has few readings, with or without rollups. */
async function hasFewReadings(client: Queryable, series: string, range: Range): Promise<boolean> {
  if (await isRolledUpDensely(client, series, range)) return false;
  return (await countUpTo(client, fewReadings, series, range)) < fewReadings;
}

async function requireReadable(client: Queryable, series: string, range: Range): Promise<void> {
  if ((await countUpTo(client, maxReadings, series, range)) < maxReadings) return;
  throw invalidFields([
    {
      field: 'from',
      message: `begins a range in which more than ${sizeText(maxReadings)} readings would have to be read: ask for a shorter range, or for buckets of at least 1m`,
    },
  ]);
}

interface PointRow {
  seconds: number;
  min: number;
  max: number;
  /** Of the sums that are not huge. */
  sum: number | null;
  isSummable: boolean;
  last: number;
  count: number;
}

/** The server reports an error if a sum exceeds a double, which sums below this bound do not reach together. */
const hasSmallSum = 'abs(part.sum) < 1e300';

async function readPoints(
  client: Queryable,
  series: string,
  bucketSeconds: number,
  spans: readonly Span[],
): Promise<Point[]> {
  const parts = spans.map(({ table }, n) => partSql(table, `$${2 * n + 3}`, `$${2 * n + 4}`));
  const { rows } = await client.query<PointRow>(
    `select extract(epoch from part.bucket)::float8 as seconds,
       min(part.min) as min, max(part.max) as max,
       sum(part.sum) filter (where ${hasSmallSum}) as sum, bool_and(${hasSmallSum}) as "isSummable",
       (array_agg(part.last order by part.last_at))[count(*)] as last, sum(part.count)::float8 as count
     from (${parts.join(' union all ')}) part
     group by part.bucket order by part.bucket`,
    [series, bucketSeconds, ...spans.flatMap(({ from, to }) => [from, to])],
  );
  return rows.map(toPoint);
}

/** Returns SQL for the readings or rollups of a span. Like rollups, it leaves out readings whose value is not finite. */
function partSql(table: Span['table'], from: string, to: string): string {
  const columns =
    table === 'readings'
      ? 'r.value as min, r.value as max, r.value as sum, r.value as last, r.at as last_at, 1::bigint as count'
      : 'r.min, r.max, r.sum, r.last, r.last_at, r.count';
  const bucket = `date_bin(make_interval(secs => $2::float8), r.at, '${bucketOrigin}'::timestamptz)`;
  return `
    select ${bucket} as bucket, ${columns} from public.${table} r
    where r.series = $1 and r.at >= ${from}::timestamptz and r.at < ${to}::timestamptz
      ${table === 'readings' ? `and r.value > '-Infinity' and r.value < 'Infinity'` : ''}`;
}

function toPoint({ seconds, min, max, sum, isSummable, last, count }: PointRow): Point {
  const average = isSummable ? (sum ?? 0) / count : count === 1 ? last : null;
  return {
    at: instantOf(seconds),
    min,
    max,
    avg: average,
    last,
    count,
  };
}
