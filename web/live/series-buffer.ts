import { sortedIndex } from './sorted-index.ts';

/** A reading, or the readings of a bucket. */
export interface Point {
  /** The time of the reading or the start of the bucket, in ms. */
  at: number;
  min: number;
  max: number;
  avg: number;
  last: number;
  count: number;
  /** The length of the bucket; 0 for a reading. */
  bucketMs: number;
}

/** The live readings of a series that are kept one by one. The older ones are joined to buckets. */
const maxReadings = 4_000;

/** The points of a series that are kept: the server sends at most 2,000 for a range, the rest is of live readings. */
const maxPoints = 8_000;

const halfMicrosecondMs = 0.0005;

/**
 * The points of one series in the order of their time: buckets of the history, and readings that arrive live. Its size
 * is bounded. A reading that arrives twice counts once.
 */
export class SeriesBuffer {
  #points: Point[] = [];
  #readings = 0;
  /** Start and length of buckets of the history to which live readings were added: only the server knows their average. */
  #stale: { from: number; to: number } | null = null;

  get points(): readonly Point[] {
    return this.#points;
  }

  get newest(): Point | undefined {
    return this.#points.at(-1);
  }

  /** Adds a live reading. Returns false if it was there already with the same value. */
  add(at: number, value: number): boolean {
    const place = sortedIndex(this.#points, at);
    const same = this.#points[place];
    if (same?.at === at && same.bucketMs === 0) {
      if (same.last === value) return false;
      this.#points[place] = readingPoint(at, value);
      return true;
    }
    const bucket = same?.at === at ? same : this.#points[place - 1];
    // A reading after the newest point of the history is drawn at once, also if its bucket has begun.
    if (bucket && at < bucket.at + bucket.bucketMs && bucket !== this.#newestBucket()) {
      this.#addToBucket(bucket, value);
      return true;
    }
    this.#points.splice(same?.at === at ? place + 1 : place, 0, readingPoint(at, value));
    this.#readings += 1;
    if (this.#readings > maxReadings) this.#joinOldReadings();
    return true;
  }

  /**
   * Adds points of the history. In each bucket the side that has more readings is kept: the readings that arrived live
   * may be newer than the answer, or fewer because some came before the subscription.
   */
  addHistory(history: readonly Point[]): void {
    const [first, last] = [history[0], history.at(-1)];
    if (!first || !last) return;
    const end = last.at + Math.max(last.bucketMs, halfMicrosecondMs);
    const from = sortedIndex(this.#points, first.at);
    const to = Math.max(from, sortedIndex(this.#points, end));
    const kept = this.#points.slice(from, to);
    const merged: Point[] = [];
    let next = 0;
    for (const bucket of history) {
      const bucketEnd = bucket.at + bucket.bucketMs;
      // Points between the buckets of the history.
      while (next < kept.length && pointAt(kept, next).at < bucket.at)
        next = push(merged, kept, next);
      const inside: Point[] = [];
      while (
        next < kept.length &&
        (pointAt(kept, next).at < bucketEnd || pointAt(kept, next).at === bucket.at)
      )
        next = push(inside, kept, next);
      const readings = inside.filter((point) => point.bucketMs === 0);
      const isWhole = bucket.bucketMs > 0 && readings.length >= bucket.count;
      if (!isWhole) merged.push(bucket);
      // The last bucket has not ended, so the readings in it may be newer than the answer.
      if (isWhole || bucket === last)
        merged.push(...readings.filter(({ at }) => at > bucket.at || isWhole));
    }
    while (next < kept.length) next = push(merged, kept, next);
    this.#points.splice(from, to - from, ...merged);
    this.#count();
    if (this.#stale && this.#stale.from >= first.at && this.#stale.to <= end) this.#stale = null;
  }

  /** Removes the buckets of the history, for buckets of another length. Readings that arrived live stay. */
  clearHistory(): void {
    this.#points = this.#points.filter((point) => point.bucketMs === 0);
    this.#stale = null;
  }

  clear(): void {
    this.#points = [];
    this.#readings = 0;
    this.#stale = null;
  }

  /** Removes the points before an instant, but for the last of them: the line begins at the edge of the chart. */
  dropBefore(at: number): void {
    const first = sortedIndex(this.#points, at) - 1;
    if (first <= 0) return;
    this.#points.splice(0, first);
    this.#count();
  }

  /** Returns the range of buckets that the server has to send again, once, or null. */
  takeStale(): { from: number; to: number } | null {
    const stale = this.#stale;
    this.#stale = null;
    return stale;
  }

  #newestBucket(): Point | undefined {
    return this.#points.findLast((point) => point.bucketMs > 0);
  }

  /** A late reading. The extremes are right at once; the average after the next answer of the server. */
  #addToBucket(bucket: Point, value: number): void {
    bucket.min = Math.min(bucket.min, value);
    bucket.max = Math.max(bucket.max, value);
    const end = bucket.at + bucket.bucketMs;
    this.#stale = {
      from: Math.min(bucket.at, this.#stale?.from ?? bucket.at),
      to: Math.max(end, this.#stale?.to ?? end),
    };
  }

  /** Joins the older half of the readings to buckets of ten. */
  #joinOldReadings(): void {
    const half = maxReadings / 2;
    const joined: Point[] = [];
    let seen = 0;
    let group: Point[] = [];
    const flush = (): void => {
      const [first] = group;
      if (first) joined.push(group.length === 1 ? first : joinPoints(group));
      group = [];
    };
    for (const point of this.#points) {
      if (point.bucketMs > 0 || seen >= half) {
        flush();
        joined.push(point);
      } else {
        seen += 1;
        group.push(point);
        if (group.length === 10) flush();
      }
    }
    flush();
    this.#points = joined.slice(-maxPoints);
    this.#count();
  }

  #count(): void {
    this.#readings = this.#points.filter((point) => point.bucketMs === 0).length;
  }
}

const readingPoint = (at: number, value: number): Point => ({
  at,
  min: value,
  max: value,
  avg: value,
  last: value,
  count: 1,
  bucketMs: 0,
});

/** Returns the bucket of at least two points in the order of time. */
function joinPoints(points: readonly Point[]): Point {
  const [first, last] = [pointAt(points, 0), pointAt(points, points.length - 1)];
  const count = points.reduce((sum, point) => sum + point.count, 0);
  return {
    at: first.at,
    min: Math.min(...points.map(({ min }) => min)),
    max: Math.max(...points.map(({ max }) => max)),
    avg: points.reduce((sum, point) => sum + point.avg * point.count, 0) / count,
    last: last.last,
    count,
    bucketMs: last.at + last.bucketMs - first.at,
  };
}

function pointAt(points: readonly Point[], index: number): Point {
  const point = points[index];
  if (!point) throw new Error(`there is no point ${index} of ${points.length}`);
  return point;
}

function push(target: Point[], source: readonly Point[], index: number): number {
  target.push(pointAt(source, index));
  return index + 1;
}
