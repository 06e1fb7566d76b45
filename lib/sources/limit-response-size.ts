import type { Dataset, SourceDescription } from '../contracts/sources.ts';

/** The answer of a function has at most 6 MB; NGINX and the event around it want some of that. */
const mostBytes = 5_000_000;

/** A source as it would be told if there were room; columns that were not read are null. */
export interface WholeSource {
  name: string;
  error?: string;
  datasets: { head: Omit<Dataset, 'columns'>; columns: Dataset['columns'] | null }[];
  /** How many more there are. */
  more: number;
}

const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value)) + 1;

/** Behind a dataset's own: an empty list of columns, and that it is one. */
const bytesOfNoColumns = bytesOf({ columns: [], columnsLeftOut: true });

interface Measured {
  source: WholeSource;
  heads: number[];
  columns: number[];
  bytes: number;
}

function measured(source: WholeSource): Measured {
  const heads = source.datasets.map(({ head }) => bytesOf(head) + bytesOfNoColumns);
  const columns = source.datasets.map((it) => (it.columns ? bytesOf(it.columns) : 0));
  return { source, heads, columns, bytes: [...heads, ...columns].reduce((sum, it) => sum + it, 0) };
}

/**
 * What of the sources fits into an answer. A small one has all it needs, the large ones share the rest; of each first
 * all datasets, then the columns of the first of them. What is left out is marked, or counted.
 */
export function fitted(sources: readonly WholeSource[], most = mostBytes): SourceDescription[] {
  const all = sources.map(measured);
  let bytes = most;
  let waiting = all.length;
  const shares = new Map<WholeSource, number>();
  for (const { source, bytes: wanted } of all.toSorted((a, b) => a.bytes - b.bytes)) {
    const share = Math.min(wanted, bytes / waiting);
    shares.set(source, share);
    bytes -= share;
    waiting--;
  }
  return all.map((it) => fittedSource(it, shares.get(it.source) ?? 0));
}

function fittedSource({ source, heads, columns }: Measured, share: number): SourceDescription {
  let left = share;
  const listed = heads.findIndex((bytes) => (left -= bytes) < 0);
  const told = listed === -1 ? source.datasets : source.datasets.slice(0, listed);
  const datasets = told.map(({ head, columns: own }, n): Dataset => {
    left -= own ? (columns[n] ?? 0) : Infinity;
    return own && left >= 0
      ? { ...head, columns: own }
      : { ...head, columns: [], columnsLeftOut: true };
  });
  const datasetsLeftOut = source.more + source.datasets.length - told.length;
  return {
    name: source.name,
    ...(source.error === undefined ? {} : { error: source.error }),
    datasets,
    ...(datasetsLeftOut > 0 ? { datasetsLeftOut } : {}),
  };
}
