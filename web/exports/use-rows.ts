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
import { exportQuery, headQuery, insert, listQuery } from './queries.ts';
import { type Tracked, track } from './tracked.ts';

interface Rows {
  /** Undefined until the first page is there. */
  rows: Tracked[] | undefined;
  /** Whether the rows are still those of the filters before. */
  searching: boolean;
  error: Error | null;
  refetch: () => void;
  /** Null: all of them are loaded. */
  loadMore: (() => void) | null;
  loadingMore: boolean;
  /** Exports that left because their file was downloaded. */
  downloaded: ExportDocument[];
  /** Exports started elsewhere since the list was loaded; they wait to be shown. */
  newer: readonly ExportDocument[];
  showNewer: () => void;
}

export function useRows(filters: ListFilters): Rows {
  const client = useQueryClient();
  // While other rows are asked for, those before stay in sight.
  const list = useInfiniteQuery({ ...listQuery(filters), placeholderData: keepPreviousData });
  const documents = list.data?.pages.flatMap(({ items }) => items) ?? [];
  const tracked = useQueries({
    queries: documents.map((document) => ({
      ...exportQuery(document.id),
      initialData: () => track(document),
    })),
    combine: (results) => results.map(({ data }) => data),
  });
  const newer = useNewer(filters, documents, tracked, list.isSuccess && !list.isPlaceholderData);

  return {
    rows: list.data && tracked.filter((row) => isShown(row, filters)),
    searching: list.isPlaceholderData,
    error: list.error,
    refetch: () => void list.refetch(),
    loadMore: list.hasNextPage && !list.isPlaceholderData ? () => void list.fetchNextPage() : null,
    loadingMore: list.isFetchingNextPage,
    downloaded: filters.showDownloaded ? [] : leftByDownload(documents, tracked),
    newer,
    showNewer: () => insert(client, filters, newer),
  };
}

function useNewer(
  filters: ListFilters,
  documents: readonly ExportDocument[],
  tracked: readonly Tracked[],
  listLoaded: boolean,
): ExportDocument[] {
  const client = useQueryClient();
  const { data: head } = useQuery({
    ...headQuery(filters),
    enabled: listLoaded,
    // The list itself was read just now; the head is asked for when the interval is over.
    staleTime: 15_000,
    initialData: () => client.getQueryData(listQuery(filters).queryKey)?.pages[0],
  });

  // A row that should be at the top of the list and is not was deleted or downloaded elsewhere.
  const askAboutMissing = useEffectEvent(({ items, nextCursor }: ExportList) => {
    const inHead = new Set(items.map(({ id }) => id));
    const oldest = nextCursor === null ? '' : (items.at(-1)?.createdAt ?? '');
    for (const row of tracked) {
      const { id, createdAt } = row.document;
      const missing = createdAt >= oldest && !inHead.has(id) && !row.gone;
      if (missing && matches(row.document, filters)) void client.refetchQueries(exportQuery(id));
    }
  });
  useEffect(() => {
    if (head && listLoaded) askAboutMissing(head);
  }, [head, listLoaded]);
  if (!listLoaded) return [];

  const known = new Set(documents.map(({ id }) => id));
  const oldestKnown = documents.at(-1)?.createdAt ?? '';
  return (head?.items ?? []).filter(
    ({ id, createdAt }) => !known.has(id) && createdAt >= oldestKnown,
  );
}

function leftByDownload(listed: readonly ExportDocument[], tracked: readonly Tracked[]) {
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

const isShown = ({ document, gone }: Tracked, { showDownloaded }: ListFilters): boolean =>
  !gone && (showDownloaded || document.downloadedAt === null);
