import {
  keepPreviousData,
  useInfiniteQuery,
  useQueries,
  useQuery,
  useQueryClient,
} from '@tanstack/react-query';
import { useEffect, useEffectEvent } from 'react';
import type {
  ExportCounts,
  ExportDocument,
  ExportList,
} from '../../lib/contracts/export-document.ts';
import { type ListFilters, newestFirst } from '../api/calls.ts';
import { type PollingState, startPolling } from './polling-state.ts';
import { exportQuery, insertIntoList, latestQuery, listQuery } from './queries.ts';

interface Rows {
  /** Undefined until the first page is loaded. */
  rows: PollingState[] | undefined;
  /** Whether the rows are still the result of the previous filters. */
  searching: boolean;
  error: Error | null;
  refetch: () => void;
  /** Null if all rows are loaded. `onLast` gets the first export of the last page. */
  loadMore: ((onLast: (id: string) => void) => void) | null;
  loadingMore: boolean;
  /** How many exports have each status; undefined until the first page is loaded. */
  counts: ExportCounts | undefined;
  /** Exports that left the list because their file was downloaded. */
  downloaded: ExportDocument[];
  /** Exports started elsewhere since the list was loaded. They are shown after a press on "Show". */
  newer: readonly ExportDocument[];
  showNewer: () => void;
}

export function useRows(filters: ListFilters): Rows {
  const client = useQueryClient();
  // The previous rows stay visible while the rows of new filters load.
  const list = useInfiniteQuery({ ...listQuery(filters), placeholderData: keepPreviousData });
  const documents = list.data?.pages.flatMap(({ items }) => items) ?? [];
  const tracked = useQueries({
    queries: documents.map((document) => ({
      ...exportQuery(document.id),
      initialData: () => startPolling(document),
    })),
    combine: (results) => results.map(({ data }) => data),
  });
  const { newer, counts } = useHead(
    filters,
    documents,
    tracked,
    list.isSuccess && !list.isPlaceholderData,
  );

  return {
    rows: list.data && tracked.filter((row) => isVisible(row, filters)),
    searching: list.isPlaceholderData,
    error: list.error,
    refetch: () => void list.refetch(),
    loadMore:
      list.hasNextPage && !list.isPlaceholderData
        ? (onLast) =>
            void list.fetchNextPage().then(({ data, hasNextPage }) => {
              const first = data?.pages.at(-1)?.items[0];
              if (first && !hasNextPage) onLast(first.id);
            })
        : null,
    loadingMore: list.isFetchingNextPage,
    counts: counts ?? list.data?.pages[0]?.counts,
    downloaded: filters.showDownloaded ? [] : downloadedSince(documents, tracked),
    newer,
    showNewer: () => insertIntoList(client, filters, newer),
  };
}

/** Polls the newest exports. Returns those that are not in the list yet, and the numbers by status. */
function useHead(
  filters: ListFilters,
  documents: readonly ExportDocument[],
  tracked: readonly PollingState[],
  listLoaded: boolean,
): { newer: ExportDocument[]; counts: ExportCounts | undefined } {
  const client = useQueryClient();
  const isNewestFirst = filters.sort === newestFirst;
  const { data: head } = useQuery({
    ...latestQuery(filters),
    enabled: listLoaded,
    // The list itself was just read; the first poll comes after the interval.
    staleTime: 15_000,
    initialData: () =>
      isNewestFirst ? client.getQueryData(listQuery(filters).queryKey)?.pages[0] : undefined,
  });

  // A row that is missing at the top of the list was deleted or downloaded elsewhere.
  const refetchMissing = useEffectEvent(({ items, nextCursor }: ExportList) => {
    const inHead = new Set(items.map(({ id }) => id));
    const oldest = nextCursor === null ? '' : (items.at(-1)?.createdAt ?? '');
    for (const row of tracked) {
      const { id, createdAt } = row.document;
      const missing = createdAt >= oldest && !inHead.has(id) && !row.gone;
      if (missing && matches(row.document, filters)) void client.refetchQueries(exportQuery(id));
    }
  });
  useEffect(() => {
    if (head && listLoaded && isNewestFirst) refetchMissing(head);
  }, [head, listLoaded, isNewestFirst]);
  const counts = head?.counts;
  // In another order new exports have no place of their own: they come with the next load.
  if (!listLoaded || !isNewestFirst) return { newer: [], counts };

  const known = new Set(documents.map(({ id }) => id));
  const oldestKnown = documents.at(-1)?.createdAt ?? '';
  const newer = (head?.items ?? []).filter(
    ({ id, createdAt }) => !known.has(id) && createdAt >= oldestKnown,
  );
  return { newer, counts };
}

/** Returns the exports that were downloaded since the list was loaded. */
function downloadedSince(listed: readonly ExportDocument[], tracked: readonly PollingState[]) {
  return tracked
    .filter(
      ({ document, gone }, index) =>
        !gone && document.downloadedAt !== null && listed[index]?.downloadedAt === null,
    )
    .map(({ document }) => document);
}

const matches = (document: ExportDocument, { status, showDownloaded }: ListFilters): boolean =>
  (status === null || document.status === status) &&
  (showDownloaded || document.downloadedAt === null);

const isVisible = ({ document, gone }: PollingState, { showDownloaded }: ListFilters): boolean =>
  !gone && (showDownloaded || document.downloadedAt === null);
