import type { TimeStatistics } from './time-statistics.ts';

interface Bucket {
  from: string;
  to: string;
  rows: number;
}

/** Rows spread evenly over a time in milliseconds; if `to` equals `from`, all are at that time. */
interface RowSpan {
  from: number;
  to: number;
  rows: number;
}

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** Round lengths of a bucket in milliseconds. */
const bucketLengths = [
  ...[1, 5, 15, 30].map((n) => n * second),
  ...[1, 5, 15, 30].map((n) => n * minute),
  ...[1, 3, 6, 12].map((n) => n * hour),
  ...[1, 2, 4, 7, 14, 28, 56, 91, 182, 365, 730, 1_826, 3_652, 7_305, 18_262, 73_049].map(
    (n) => n * day,
  ),
];

/** The first and last timestamp that a request can have. */
const minTimestamp = Date.parse('0001-01-01T00:00:00Z');
const maxTimestamp = Date.parse('9999-12-31T23:59:59.999Z');

/**
 * Divides the time of the rows, or the requested part of it, into at most `buckets` buckets of a round length, of at
 * least a day if `days`. Timestamps that no request can have are left out.
 */
export function bucketize(
  statistics: readonly TimeStatistics[],
  options: { from?: string | undefined; to?: string | undefined; buckets: number; days: boolean },
): Bucket[] {
  const spans = statistics.flatMap((it) => spansOf(it, options.days ? day : 0));
  if (spans.length === 0) return [];
  const earliest = spans.reduce((min, span) => Math.min(min, span.from), maxTimestamp);
  const latest = spans.reduce((max, span) => Math.max(max, span.to, span.from + 1), minTimestamp);
  const from = options.from === undefined ? earliest : Date.parse(options.from);
  const to = options.to === undefined ? Math.min(latest, maxTimestamp) : Date.parse(options.to);
  if (from >= to) return [];
  const edges = edgesOf(from, to, options);
  return edges.slice(1).map((end, n) => {
    const start = edges[n] ?? end;
    const rows = spans.reduce((sum, span) => sum + rowsWithin(span, start, end), 0);
    return {
      from: new Date(start).toISOString(),
      to: new Date(end).toISOString(),
      rows: Math.round(rows),
    };
  });
}

/** Returns the edges of the buckets, which are round except for the first and the last. */
function edgesOf(from: number, to: number, options: { buckets: number; days: boolean }): number[] {
  const count = (step: number): number => Math.ceil(to / step) - Math.floor(from / step);
  const step = bucketLengths.find(
    (it) => it >= (options.days ? day : 0) && count(it) <= options.buckets,
  );
  const first = Math.floor(from / (step ?? 1));
  return step === undefined
    ? // No round length yields at most `options.buckets` buckets, for example one bucket across a round time.
      Array.from({ length: options.buckets + 1 }, (_, n) =>
        Math.round(from + ((to - from) * n) / options.buckets),
      )
    : Array.from({ length: count(step) + 1 }, (_, n) =>
        Math.min(to, Math.max(from, (first + n) * step)),
      );
}

/** Returns the rows of the frequent values and those between bounds, which are equally many; each lasts `length` ms. */
function spansOf(
  { rows, nulls, values, shares, bounds }: TimeStatistics,
  length: number,
): RowSpan[] {
  const spans = values.flatMap((value, n): RowSpan[] => {
    const from = timestampOf(value);
    return from === undefined ? [] : [{ from, to: from + length, rows: rows * (shares[n] ?? 0) }];
  });
  const otherRows = rows * (1 - nulls - shares.reduce((sum, share) => sum + share, 0));
  const rowsPerSpan = Math.max(0, otherRows) / Math.max(1, bounds.length - 1);
  for (let n = 1; n < bounds.length; n++) {
    const [start, end] = [timestampOf(bounds[n - 1] ?? ''), timestampOf(bounds[n] ?? '')];
    // If one end is infinite, the rows are put at the other end.
    const finiteEnd = start === undefined ? end : end === undefined ? start : undefined;
    if (finiteEnd !== undefined)
      spans.push({ from: finiteEnd, to: finiteEnd + length, rows: rowsPerSpan });
    if (start === undefined || end === undefined) continue;
    spans.push({ from: n === 1 ? start : start + length, to: end + length, rows: rowsPerSpan });
  }
  return spans;
}

function rowsWithin({ from, to, rows }: RowSpan, start: number, end: number): number {
  if (to <= from) return from >= start && from < end ? rows : 0;
  return (rows * Math.max(0, Math.min(to, end) - Math.max(from, start))) / (to - from);
}

/** Returns milliseconds; undefined for an infinite time, or one outside the years 1 to 9999. */
function timestampOf(text: string): number | undefined {
  const [, date, time = '00:00:00'] =
    /^(\d{4}-\d\d-\d\d)(?: (\d\d:\d\d:\d\d(?:\.\d+)?)(?:\+00)?)?$/.exec(text) ?? [];
  return date === undefined ? undefined : Date.parse(`${date}T${time}Z`);
}
