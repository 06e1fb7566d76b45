import {
  keepPreviousData,
  useInfiniteQuery,
  useQueries,
  useQuery,
  useQueryClient,
} from '@tanstack/react-query';
import { useEffect, useEffectEvent } from 'react';
import type { ExportDocument, ExportList } from '../../lib/contracts/export-document.ts';
import type { ListFilters } from '../api/calls.ts';
import { type PollingState, startPolling } from './polling-state.ts';
import { exportQuery, insertIntoList, latestQuery, listQuery } from './queries.ts';

interface Rows {
  /** Undefined until the first page is loaded. */
  rows: PollingState[] | undefined;
  /** Whether the rows are still the result of the previous filters. */
  searching: boolean;
  error: Error | null;
  refetch: () => void;
  /** Null if all rows are loaded. */
  loadMore: (() => void) | null;
  loadingMore: boolean;
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
  const newer = useNewer(filters, documents, tracked, list.isSuccess && !list.isPlaceholderData);

  return {
    rows: list.data && tracked.filter((row) => isVisible(row, filters)),
    searching: list.isPlaceholderData,
    error: list.error,
    refetch: () => void list.refetch(),
    loadMore: list.hasNextPage && !list.isPlaceholderData ? () => void list.fetchNextPage() : null,
    loadingMore: list.isFetchingNextPage,
    downloaded: filters.showDownloaded ? [] : downloadedSince(documents, tracked),
    newer,
    showNewer: () => insertIntoList(client, filters, newer),
  };
}

function useNewer(
  filters: ListFilters,
  documents: readonly ExportDocument[],
  tracked: readonly PollingState[],
  listLoaded: boolean,
): ExportDocument[] {
  const client = useQueryClient();
  const { data: head } = useQuery({
    ...latestQuery(filters),
    enabled: listLoaded,
    // The list itself was just read; the first poll comes after the interval.
    staleTime: 15_000,
    initialData: () => client.getQueryData(listQuery(filters).queryKey)?.pages[0],
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
    if (head && listLoaded) refetchMissing(head);
  }, [head, listLoaded]);
  if (!listLoaded) return [];

  const known = new Set(documents.map(({ id }) => id));
  const oldestKnown = documents.at(-1)?.createdAt ?? '';
  return (head?.items ?? []).filter(
    ({ id, createdAt }) => !known.has(id) && createdAt >= oldestKnown,
  );
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
