import type { SourceDataset } from './datasets.ts';

/** First and last time of a dataset, in canonical text; null where nobody knows. */
export interface TimeRange {
  earliest: string | null;
  latest: string | null;
}

const slowMilliseconds = 50;
const keptMilliseconds = 60_000;
const mostKept = 1_000;

/** By source, relation and time column. The one kept longest comes first. */
const kept = new Map<string, { range: TimeRange; until: number }>();

const keyOf = (source: string, { oid, timeColumn }: SourceDataset): string =>
  `${source} ${oid} ${timeColumn?.name}`;

/** Returns the range that was slow to find out less than a minute ago, if it was: the server looks at all rows for it. */
export function slowRange(source: string, dataset: SourceDataset): TimeRange | undefined {
  const found = kept.get(keyOf(source, dataset));
  return found && performance.now() < found.until ? found.range : undefined;
}

/** Keeps a range for a minute if it took long. What an index knows is asked for each time. */
export function keepIfSlow(
  source: string,
  dataset: SourceDataset,
  { range, milliseconds }: { range: TimeRange; milliseconds: number },
): void {
  if (milliseconds < slowMilliseconds) return;
  const key = keyOf(source, dataset);
  kept.delete(key);
  kept.set(key, { range, until: performance.now() + keptMilliseconds });
  const [first] = kept.keys();
  if (first !== undefined && kept.size > mostKept) kept.delete(first);
}
