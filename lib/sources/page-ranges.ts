import type { Queryable } from '../runtime/catalogue.ts';
import { estimate } from './estimate.ts';
import { type PageRange, pagesOf, type Selection } from './query.ts';

/**
 * How a selection is divided for readers that share a snapshot: into ranges of so many pages, the last one
 * without an end. Empty where that makes no sense: of what has no pages of its own, where rows have an order,
 * and where an index leads to the few that are wanted.
 */
export async function pageRanges(
  client: Queryable,
  selection: Selection,
  pagesEach: number,
): Promise<PageRange[]> {
  if (!isDivisibleByPages(selection) || !(await estimate(client, selection)).readsAllPages)
    return [];
  const { rows } = await client.query<{ pages: number }>(pagesOf(selection.dataset));
  const ranges = Math.max(1, Math.ceil((rows[0]?.pages ?? 0) / pagesEach));
  return Array.from({ length: ranges }, (_, n) => ({
    from: n * pagesEach,
    to: n === ranges - 1 ? null : (n + 1) * pagesEach,
  }));
}

/** A place in a table means nothing between two snapshots: a row that is updated moves. */
const isDivisibleByPages = ({ dataset, ordered, range }: Selection): boolean =>
  dataset.kind !== 'view' && !ordered && range === undefined;
