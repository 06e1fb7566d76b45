import type { SourceDataset } from './datasets.ts';

/** First and last time of a dataset, in canonical text; null if unknown. */
export interface TimeRange {
  earliest: string | null;
  latest: string | null;
}

const slowMs = 50;
const cacheMs = 60_000;
const maxEntries = 1_000;

/** By source, relation, time column and the rows that a grant permits, oldest first. */
const cache = new Map<string, { range: TimeRange; until: number }>();

const keyOf = (source: string, { oid, timeColumn, permission }: SourceDataset): string =>
  JSON.stringify([source, oid, timeColumn?.name, permission?.rows]);

/** Returns a cached range: one that took long to find within the last minute, because the server scans all rows for it. */
export function cachedRange(source: string, dataset: SourceDataset): TimeRange | undefined {
  const found = cache.get(keyOf(source, dataset));
  return found && performance.now() < found.until ? found.range : undefined;
}

/** Caches a range for a minute if it took at least 50 ms. A range that an index finds is queried each time. */
export function cacheIfSlow(
  source: string,
  dataset: SourceDataset,
  { range, durationMs }: { range: TimeRange; durationMs: number },
): void {
  if (durationMs < slowMs) return;
  const key = keyOf(source, dataset);
  cache.delete(key);
  cache.set(key, { range, until: performance.now() + cacheMs });
  const [first] = cache.keys();
  if (first !== undefined && cache.size > maxEntries) cache.delete(first);
}
