import type { TimeStatistics } from './time-statistics.ts';

interface Bucket {
  from: string;
  to: string;
  rows: number;
}

/** So many rows, spread evenly over a time in milliseconds; all at one moment if that has no length. */
interface Mass {
  from: number;
  to: number;
  rows: number;
}

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** Lengths that people count in, as far as time is of even length. */
const steps = [
  ...[1, 5, 15, 30].map((n) => n * second),
  ...[1, 5, 15, 30].map((n) => n * minute),
  ...[1, 3, 6, 12].map((n) => n * hour),
  ...[1, 2, 4, 7, 14, 28, 56, 91, 182, 365, 730, 1_826, 3_652, 7_305, 18_262, 73_049].map(
    (n) => n * day,
  ),
];

/** The ends of what a request can name. */
const firstMoment = Date.parse('0001-01-01T00:00:00Z');
const lastMoment = Date.parse('9999-12-31T23:59:59.999Z');

/**
 * Divides the time of the rows, or what was asked for of it, into at most so many buckets of a round
 * length, of days at least if there are only days. Times that no request can name are left out.
 */
export function divide(
  parts: readonly TimeStatistics[],
  wanted: { from?: string | undefined; to?: string | undefined; buckets: number; days: boolean },
): Bucket[] {
  const masses = parts.flatMap((part) => massesOf(part, wanted.days ? day : 0));
  if (masses.length === 0) return [];
  const least = masses.reduce((at, mass) => Math.min(at, mass.from), lastMoment);
  const most = masses.reduce((at, mass) => Math.max(at, mass.to, mass.from + 1), firstMoment);
  const from = wanted.from === undefined ? least : Date.parse(wanted.from);
  const to = wanted.to === undefined ? Math.min(most, lastMoment) : Date.parse(wanted.to);
  if (from >= to) return [];
  const edges = edgesOf(from, to, wanted);
  return edges.slice(1).map((end, n) => {
    const begin = edges[n] ?? end;
    const rows = masses.reduce((sum, mass) => sum + rowsWithin(mass, begin, end), 0);
    return {
      from: new Date(begin).toISOString(),
      to: new Date(end).toISOString(),
      rows: Math.round(rows),
    };
  });
}

/** At round times, but for both ends. */
function edgesOf(from: number, to: number, wanted: { buckets: number; days: boolean }): number[] {
  const count = (step: number): number => Math.ceil(to / step) - Math.floor(from / step);
  const step = steps.find((it) => it >= (wanted.days ? day : 0) && count(it) <= wanted.buckets);
  const first = Math.floor(from / (step ?? 1));
  return step === undefined
    ? // A single bucket, say, that is to go over a round time.
      Array.from({ length: wanted.buckets + 1 }, (_, n) =>
        Math.round(from + ((to - from) * n) / wanted.buckets),
      )
    : Array.from({ length: count(step) + 1 }, (_, n) =>
        Math.min(to, Math.max(from, (first + n) * step)),
      );
}

/** The values named, and the others, of which as many are between each two bounds. A day has its length. */
function massesOf({ rows, nulls, values, shares, bounds }: TimeStatistics, length: number): Mass[] {
  const masses = values.flatMap((value, n): Mass[] => {
    const at = momentOf(value);
    return at === undefined ? [] : [{ from: at, to: at + length, rows: rows * (shares[n] ?? 0) }];
  });
  const others = rows * (1 - nulls - shares.reduce((sum, share) => sum + share, 0));
  const each = Math.max(0, others) / Math.max(1, bounds.length - 1);
  for (let n = 1; n < bounds.length; n++) {
    const [begin, end] = [momentOf(bounds[n - 1] ?? ''), momentOf(bounds[n] ?? '')];
    // Beside an end that is infinite all that is known of the time is the other end.
    const only = begin === undefined ? end : end === undefined ? begin : undefined;
    if (only !== undefined) masses.push({ from: only, to: only + length, rows: each });
    if (begin === undefined || end === undefined) continue;
    masses.push({ from: n === 1 ? begin : begin + length, to: end + length, rows: each });
  }
  return masses;
}

function rowsWithin({ from, to, rows }: Mass, begin: number, end: number): number {
  if (to <= from) return from >= begin && from < end ? rows : 0;
  return (rows * Math.max(0, Math.min(to, end) - Math.max(from, begin))) / (to - from);
}

/** Undefined for what is infinite, before our era or after the year 9999. */
function momentOf(text: string): number | undefined {
  const [, date, time = '00:00:00'] =
    /^(\d{4}-\d\d-\d\d)(?: (\d\d:\d\d:\d\d(?:\.\d+)?)(?:\+00)?)?$/.exec(text) ?? [];
  return date === undefined ? undefined : Date.parse(`${date}T${time}Z`);
}
