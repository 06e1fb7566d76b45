import {
  type InfiniteData,
  infiniteQueryOptions,
  type QueryClient,
  queryOptions,
} from '@tanstack/react-query';
import type { ExportDocument, ExportList } from '../../lib/contracts/export-document.ts';
import { getExport, getManifest, type ListFilters, listExports } from '../api/calls.ts';
import { isStatus } from '../api/errors.ts';
import { announceOutcome } from './outcomes.ts';
import { nextPoll, type Tracked, track, withAnswer, withDocument } from './tracked.ts';

/** One export, followed by conditional requests for as long as it may change. */
export const exportQuery = (id: string) =>
  queryOptions({
    queryKey: ['export', id],
    queryFn: async ({ client, signal }): Promise<Tracked> => {
      const known = read(client, id);
      try {
        const answer = await getExport(id, known?.etag ?? null, signal);
        // Read again: a press may have changed it while the answer was on its way.
        const before = read(client, id) ?? known;
        if (!before) {
          if (answer.document === null) throw new Error('Not modified, but never read');
          return { ...track(answer.document), etag: answer.etag, retryAfter: answer.retryAfter };
        }
        if (answer.document) announceOutcome(before.document, answer.document);
        return withAnswer(before, answer);
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

const listKey = ({ status, search, showDownloaded }: ListFilters) =>
  ['exports', status, search, showDownloaded] as const;

export const listQuery = (filters: ListFilters) =>
  infiniteQueryOptions({
    queryKey: listKey(filters),
    queryFn: async ({ client, pageParam, signal }) => {
      const list = await listExports(filters, pageParam, signal);
      for (const document of list.items) adopt(client, document);
      return list;
    },
    initialPageParam: noCursor,
    getNextPageParam: ({ nextCursor }) => nextCursor,
    staleTime: 30_000,
    // Rows are patched in place and new ones wait behind "Show": nothing may reorder the list.
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
  });

const noCursor: string | null = null;

/** The top of the list again, to notice what was started, deleted or downloaded elsewhere. */
export const headQuery = (filters: ListFilters) =>
  queryOptions({
    queryKey: ['exports-head', ...listKey(filters)],
    queryFn: async ({ client, signal }) => {
      const list = await listExports(filters, null, signal);
      for (const document of list.items) adopt(client, document);
      return list;
    },
    refetchInterval: 15_000,
    refetchOnWindowFocus: 'always',
    retry: false,
  });

/** The manifest of a file. It never changes, but the export may get another file. */
export const manifestQuery = ({ id, file }: ExportDocument) =>
  queryOptions({
    queryKey: ['manifest', id, file?.sha256],
    queryFn: ({ signal }) => getManifest(id, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });

/** Gives up the questions under way: what they bring is older than what is known now. */
export async function forgetAnswers(client: QueryClient, id: string): Promise<void> {
  await Promise.all([
    client.cancelQueries(exportQuery(id)),
    client.cancelQueries({ queryKey: ['exports-head'] }),
  ]);
}

/** Takes over a document that came with a list or as the answer to an action. */
export function adopt(client: QueryClient, document: ExportDocument): void {
  const before = read(client, document.id);
  if (before) announceOutcome(before.document, document);
  client.setQueryData<Tracked>(
    exportQuery(document.id).queryKey,
    before ? withDocument(before, document) : track(document),
  );
}

export function patch(client: QueryClient, id: string, change: Partial<Tracked>): void {
  client.setQueryData<Tracked>(
    exportQuery(id).queryKey,
    (before) => before && { ...before, ...change },
  );
}

/** Puts exports into a list that is on the page, newest first. */
export function insert(
  client: QueryClient,
  filters: ListFilters,
  documents: readonly ExportDocument[],
): void {
  for (const document of documents) adopt(client, document);
  client.setQueryData<InfiniteData<ExportList, string | null>>(listKey(filters), (list) => {
    const [first, ...others] = list?.pages ?? [];
    if (!list || !first) return list;
    const known = new Set(list.pages.flatMap(({ items }) => items.map(({ id }) => id)));
    const items = [...documents.filter(({ id }) => !known.has(id)), ...first.items];
    items.sort((a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt));
    return { ...list, pages: [{ ...first, items }, ...others] };
  });
}

const read = (client: QueryClient, id: string): Tracked | undefined =>
  client.getQueryData<Tracked>(exportQuery(id).queryKey);
