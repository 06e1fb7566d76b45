import type { Point } from './series-buffer.ts';

/** A time without readings, in ms: from the last reading before it to the first reading after it. */
export interface Gap {
  from: number;
  to: number;
}

/** A gap is longer than this number of intervals of its series. */
const gapIntervals = 3;

/** The number of newest points that the interval of a series is computed from. */
const sampledPoints = 200;

/** Returns the usual time between two points of a series in ms, or null if it has fewer than three points. */
export function intervalOf(points: readonly Point[]): number | null {
  const sample = points.slice(-sampledPoints);
  if (sample.length < 3) return null;
  const steps = sample
    .slice(1)
    .map((point, index) => point.at - (sample[index]?.at ?? point.at))
    .toSorted((a, b) => a - b);
  const median = steps[steps.length >> 1] ?? 0;
  const longestBucket = sample.reduce((longest, point) => Math.max(longest, point.bucketMs), 0);
  return Math.max(median, longestBucket);
}

/** Returns the gaps between the points of a series. */
export function gapsOf(points: readonly Point[]): Gap[] {
  const interval = intervalOf(points);
  if (interval === null || interval === 0) return [];
  const gaps: Gap[] = [];
  let before = points[0];
  for (const point of points) {
    if (before && point.at - before.at > gapIntervals * Math.max(interval, before.bucketMs))
      gaps.push({ from: before.at + before.bucketMs, to: point.at });
    before = point;
  }
  return gaps;
}

/** Returns whether the newest reading of a series is older than it usually gets. */
export function isStale(newestAt: number | null, interval: number | null, now: number): boolean {
  if (newestAt === null) return true;
  return now - newestAt > Math.max(gapIntervals * (interval ?? 0), minStaleMs);
}

/** A series with an interval of milliseconds is not stale after the first pause of the network. */
const minStaleMs = 10_000;

/** Returns the times in which none of several series has readings. */
export function commonGaps(gapsOfSeries: readonly (readonly Gap[])[]): Gap[] {
  const [first = [], ...others] = gapsOfSeries;
  return others.reduce<Gap[]>((common, gaps) => intersect(common, gaps), [...first]);
}

function intersect(left: readonly Gap[], right: readonly Gap[]): Gap[] {
  const result: Gap[] = [];
  let [i, j] = [0, 0];
  for (;;) {
    const [a, b] = [left[i], right[j]];
    if (!a || !b) return result;
    const [from, to] = [Math.max(a.from, b.from), Math.min(a.to, b.to)];
    if (from < to) result.push({ from, to });
    if (a.to < b.to) i += 1;
    else j += 1;
  }
}
