import type { Queryable } from '../runtime/catalogue.ts';
import { estimate } from './estimate.ts';
import { type PageRange, pagesOf, type Selection } from './query.ts';

/**
 * Divides a selection, for readers that share a snapshot, into ranges of `pagesPerRange` pages; the last one has no
 * end. Returns no ranges if the dataset has no pages, the rows are ordered, or an index leads to the selected rows.
 */
export async function pageRanges(
  client: Queryable,
  selection: Selection,
  pagesPerRange: number,
): Promise<PageRange[]> {
  if (!isDivisibleByPages(selection) || !(await estimate(client, selection)).readsAllPages)
    return [];
  const { rows } = await client.query<{ pages: number }>(pagesOf(selection.dataset));
  const ranges = Math.max(1, Math.ceil((rows[0]?.pages ?? 0) / pagesPerRange));
  return Array.from({ length: ranges }, (_, n) => ({
    from: n * pagesPerRange,
    to: n === ranges - 1 ? null : (n + 1) * pagesPerRange,
  }));
}

/** Units have snapshots of their own, between which an updated row moves, so a unit's range excludes pages. */
const isDivisibleByPages = ({ dataset, ordered, range }: Selection): boolean =>
  dataset.kind !== 'view' && !ordered && range === undefined;
