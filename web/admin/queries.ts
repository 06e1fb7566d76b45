import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query';
import type { StatsQuery } from '../../lib/contracts/admin.ts';
import { getPage, getStats, listAccounts, listSourceStates } from './calls.ts';

/** Queries a list for administrators, page by page. */
export const pagesQuery = <Item>(path: string, query: URLSearchParams) =>
  infiniteQueryOptions({
    queryKey: ['admin', path, query.toString()],
    queryFn: ({ pageParam, signal }) => getPage<Item>(path, query, pageParam, signal),
    initialPageParam: noCursor,
    getNextPageParam: ({ nextCursor }) => nextCursor,
    // Rows stay in their places until a press on "Refresh".
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    placeholderData: keepPreviousData,
    refetchOnWindowFocus: false,
  });

const noCursor: string | null = null;

export const statsQuery = (by: StatsQuery['by'], from: string) =>
  queryOptions({
    queryKey: ['admin', 'stats', by, from],
    queryFn: ({ signal }) => getStats(by, from, signal),
  });

export const accountsQuery = queryOptions({
  queryKey: ['admin', 'accounts'],
  queryFn: ({ signal }) => listAccounts(signal),
});

export const sourcesQuery = queryOptions({
  queryKey: ['admin', 'sources'],
  queryFn: ({ signal }) => listSourceStates(signal),
});
