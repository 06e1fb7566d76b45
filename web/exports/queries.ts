import {
  type InfiniteData,
  infiniteQueryOptions,
  type QueryClient,
  queryOptions,
} from '@tanstack/react-query';
import type { ExportDocument, ExportList } from '../../lib/contracts/export-document.ts';
import {
  getExport,
  getManifest,
  type ListFilters,
  listExports,
  newestFirst,
  sortText,
} from '../api/calls.ts';
import { isStatus } from '../api/errors.ts';
import { announceStatusChange } from './announce-status.ts';
import { isActive, isOlder } from './newer-document.ts';
import {
  nextPoll,
  type PollingState,
  startPolling,
  updateFromAnswer,
  updateFromDocument,
} from './polling-state.ts';

/** Queries one export, and polls it by conditional requests for as long as it may change. */
export const exportQuery = (id: string) =>
  queryOptions({
    queryKey: ['export', id],
    queryFn: async ({ client, signal }): Promise<PollingState> => {
      const known = cached(client, id);
      try {
        const answer = await getExport(id, known?.etag ?? null, signal);
        // A press may have changed the cached state while the request was in flight.
        const before = cached(client, id) ?? known;
        if (!before) {
          if (answer.document === null)
            throw new Error(`The server answered 304 for export ${id}, which is not cached`);
          return {
            ...startPolling(answer.document),
            etag: answer.etag,
            retryAfter: answer.retryAfter,
          };
        }
        if (answer.document) announceStatusChange(before.document, answer.document);
        return updateFromAnswer(before, answer);
      } catch (error) {
        if (known && isStatus(error, 404)) return { ...known, gone: true };
        throw error;
      }
    },
    staleTime: Number.POSITIVE_INFINITY,
    refetchInterval: ({ state }) => nextPoll(state.data),
    refetchOnWindowFocus: ({ state }) => (nextPoll(state.data) === false ? false : 'always'),
    refetchOnReconnect: ({ state }) => (nextPoll(state.data) === false ? false : 'always'),
  });

const listKey = ({ status, format, source, search, showDownloaded, sort }: ListFilters) =>
  ['exports', status, format, source, search, showDownloaded, sortText(sort)] as const;

export const listQuery = (filters: ListFilters) =>
  infiniteQueryOptions({
    queryKey: listKey(filters),
    queryFn: async ({ client, pageParam, signal }) => {
      const list = await listExports(filters, pageParam, signal);
      for (const document of list.items) setCached(client, document);
      return list;
    },
    initialPageParam: noCursor,
    getNextPageParam: ({ nextCursor }) => nextCursor,
    staleTime: 30_000,
    // Rows are patched in place, and new rows wait for a press on "Show", so that the list is never reordered.
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
  });

const noCursor: string | null = null;

/**
 * Polls the newest exports, to notice those that were started, deleted or downloaded elsewhere, and the numbers of
 * exports by status.
 */
export const latestQuery = (filters: ListFilters) =>
  queryOptions({
    queryKey: ['exports-head', ...listKey(filters)],
    queryFn: async ({ client, signal }) => {
      const list = await listExports({ ...filters, sort: newestFirst }, null, signal);
      for (const document of list.items) setCached(client, document);
      return list;
    },
    refetchInterval: 15_000,
    refetchOnWindowFocus: 'always',
    retry: false,
  });

/** Queries the manifest of a file. It never changes; a rerun of the export has another file. */
export const manifestQuery = ({ id, file }: ExportDocument) =>
  queryOptions({
    queryKey: ['manifest', id, file?.sha256],
    queryFn: ({ signal }) => getManifest(id, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });

/** Cancels the requests in flight for an export: their answers would be older than the cached state. */
export async function cancelExportQueries(client: QueryClient, id: string): Promise<void> {
  await Promise.all([
    client.cancelQueries(exportQuery(id)),
    client.cancelQueries({ queryKey: ['exports-head'] }),
  ]);
}

/** Caches a document of a list or of the answer to an action. */
export function setCached(client: QueryClient, document: ExportDocument): void {
  const before = cached(client, document.id);
  if (before) announceStatusChange(before.document, document);
  client.setQueryData<PollingState>(
    exportQuery(document.id).queryKey,
    before ? updateFromDocument(before, document) : startPolling(document),
  );
}

/**
 * Caches a document that the server sent by itself, unless the cached one is newer. Returns false if the export is not
 * cached.
 */
export function receiveDocument(client: QueryClient, document: ExportDocument): boolean {
  const before = cached(client, document.id);
  if (!before) return false;
  if (!isOlder(document, before.document)) setCached(client, document);
  // Either the message is late, or the export runs again: only the server knows.
  else if (isActive(document) && !isActive(before.document))
    void client.refetchQueries(exportQuery(document.id));
  return true;
}

export function patchCached(client: QueryClient, id: string, change: Partial<PollingState>): void {
  client.setQueryData<PollingState>(
    exportQuery(id).queryKey,
    (before) => before && { ...before, ...change },
  );
}

/** Inserts exports into a cached list: among the others if the newest are first, else before them. */
export function insertIntoList(
  client: QueryClient,
  filters: ListFilters,
  documents: readonly ExportDocument[],
): void {
  for (const document of documents) setCached(client, document);
  client.setQueryData<InfiniteData<ExportList, string | null>>(listKey(filters), (list) => {
    const [first, ...others] = list?.pages ?? [];
    if (!list || !first) return list;
    const known = new Set(list.pages.flatMap(({ items }) => items.map(({ id }) => id)));
    const items = [...documents.filter(({ id }) => !known.has(id)), ...first.items];
    if (filters.sort === newestFirst)
      items.sort((a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt));
    return { ...list, pages: [{ ...first, items }, ...others] };
  });
}

const cached = (client: QueryClient, id: string): PollingState | undefined =>
  client.getQueryData<PollingState>(exportQuery(id).queryKey);
