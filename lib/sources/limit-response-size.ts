import type { Dataset, SourceDescription } from '../contracts/sources.ts';

/** Lambda takes 6,291,556 bytes from a function; the rest is for what is around the body. */
const maxResponseBytes = 6_000_000;

/** A source before its response is limited; columns that were not read are null. */
export interface WholeSource {
  name: string;
  error?: string;
  datasets: { head: Omit<Dataset, 'columns'>; columns: Dataset['columns'] | null }[];
  /** How many more datasets the source has. */
  more: number;
}

/** Returns the bytes of a value in the payload of a function: its JSON is a text there, whose quotes are escaped. */
export const bytesOf = (value: unknown): number =>
  Buffer.byteLength(JSON.stringify(JSON.stringify(value))) + 1;

/** Bytes that a dataset without its columns needs in addition to its head. */
const bytesOfNoColumns = bytesOf({ columns: [], columnsLeftOut: true });

interface MeasuredSource {
  source: WholeSource;
  heads: number[];
  columns: number[];
  bytes: number;
}

function measure(source: WholeSource): MeasuredSource {
  const heads = source.datasets.map(({ head }) => bytesOf(head) + bytesOfNoColumns);
  const columns = source.datasets.map((it) => (it.columns ? bytesOf(it.columns) : 0));
  return { source, heads, columns, bytes: [...heads, ...columns].reduce((sum, it) => sum + it, 0) };
}

/**
 * Returns what fits of the sources into a response. A small source is complete; the large ones share the rest. Of each
 * source all datasets come first, then the columns of its first datasets. A dataset without its columns is marked, and
 * the datasets left out are counted.
 */
export function fitToResponse(
  sources: readonly WholeSource[],
  maxBytes = maxResponseBytes,
): SourceDescription[] {
  const measured = sources.map(measure);
  let bytesLeft = maxBytes;
  let sourcesLeft = measured.length;
  const shares = new Map<WholeSource, number>();
  for (const { source, bytes: needed } of measured.toSorted((a, b) => a.bytes - b.bytes)) {
    const share = Math.min(needed, bytesLeft / sourcesLeft);
    shares.set(source, share);
    bytesLeft -= share;
    sourcesLeft--;
  }
  return measured.map((it) => fitSource(it, shares.get(it.source) ?? 0));
}

function fitSource({ source, heads, columns }: MeasuredSource, share: number): SourceDescription {
  let left = share;
  const listed = heads.findIndex((bytes) => (left -= bytes) < 0);
  const included = listed === -1 ? source.datasets : source.datasets.slice(0, listed);
  const datasets = included.map(({ head, columns: own }, n): Dataset => {
    left -= own ? (columns[n] ?? 0) : Infinity;
    return own && left >= 0
      ? { ...head, columns: own }
      : { ...head, columns: [], columnsLeftOut: true };
  });
  const datasetsLeftOut = source.more + source.datasets.length - included.length;
  return {
    name: source.name,
    ...(source.error === undefined ? {} : { error: source.error }),
    datasets,
    ...(datasetsLeftOut > 0 ? { datasetsLeftOut } : {}),
  };
}
