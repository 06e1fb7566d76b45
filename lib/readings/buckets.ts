import { maxPoints } from '../contracts/readings.ts';

/** Buckets begin at multiples of their length after this instant: a midnight in UTC, and a Monday. */
export const bucketOrigin = '2001-01-01T00:00:00Z';
const originSeconds = Date.parse(bucketOrigin) / 1_000;

const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;
const secondsOfUnit: Record<string, number> = { s: 1, m: minute, h: hour, d: day };

/** The lengths of which one is chosen if the caller has not said any. */
const roundBuckets =
  '1s 2s 5s 10s 1m 2m 5m 10m 15m 30m 1h 2h 3h 6h 12h 1d 7d 28d 91d 364d 3640d'.split(' ');

/** Two canonical instants, the second exclusive. */
export interface Range {
  from: string;
  to: string;
}

/** Returns the length of a bucket like `5m` in seconds. */
export function secondsOf(bucket: string): number {
  return Number(bucket.slice(0, -1)) * (secondsOfUnit[bucket.slice(-1)] ?? Number.NaN);
}

/** Returns how many buckets of this length a range touches. */
export function countBuckets({ from, to }: Range, bucketSeconds: number): number {
  const first = Math.floor((floorSeconds(from) - originSeconds) / bucketSeconds);
  const end = Math.ceil((ceilSeconds(to) - originSeconds) / bucketSeconds);
  return Math.max(0, end - first);
}

/** Returns the shortest round bucket of at least `minSeconds` of which the range touches at most `maxPoints`. */
export function chooseBucket(range: Range, minSeconds = 1): string {
  const chosen = roundBuckets.find((bucket) => {
    const seconds = secondsOf(bucket);
    return seconds >= minSeconds && countBuckets(range, seconds) <= maxPoints;
  });
  if (chosen === undefined)
    throw new Error(`no bucket is long enough for ${JSON.stringify(range)}`);
  return chosen;
}

/** A table with readings or their rollups, and the range of it that is read. */
export interface Span extends Range {
  table: 'readings' | 'readings_1m' | 'readings_1h';
}

/**
 * Divides a range into spans, each to be read from the coarsest table that has exactly its readings in buckets of this
 * length: whole hours, whole minutes around them, and the readings at both ends.
 */
export function spansOf({ from, to }: Range, bucketSeconds: number): Span[] {
  const edges: Edge[] = [{ at: from, table: 'readings' }];
  const minutes = wholeUnits({ from, to }, minute);
  if (bucketSeconds % minute === 0 && minutes) {
    edges.push({ at: minutes.from, table: 'readings_1m' });
    const hours = wholeUnits({ from, to }, hour);
    if (bucketSeconds % hour === 0 && hours)
      edges.push({ at: hours.from, table: 'readings_1h' }, { at: hours.to, table: 'readings_1m' });
    edges.push({ at: minutes.to, table: 'readings' });
  }
  return edges
    .map((edge, n) => ({ table: edge.table, from: edge.at, to: edges[n + 1]?.at ?? to }))
    .filter((span) => span.from !== span.to);
}

/** Where a span begins. */
interface Edge {
  at: string;
  table: Span['table'];
}

/** Returns the part of a range that consists of whole minutes or hours, undefined if it has none. */
function wholeUnits({ from, to }: Range, seconds: number): Range | undefined {
  const first = Math.ceil(ceilSeconds(from) / seconds) * seconds;
  const end = Math.floor(floorSeconds(to) / seconds) * seconds;
  return first < end ? { from: instantOf(first), to: instantOf(end) } : undefined;
}

/** Returns the whole seconds since 1970 before a canonical instant. */
const floorSeconds = (instant: string): number => Date.parse(`${instant.slice(0, 19)}Z`) / 1_000;

const ceilSeconds = (instant: string): number =>
  floorSeconds(instant) + (instant.includes('.') ? 1 : 0);

/** Returns the canonical instant of whole seconds since 1970. */
export const instantOf = (seconds: number): string =>
  `${new Date(seconds * 1_000).toISOString().slice(0, 19)}Z`;
