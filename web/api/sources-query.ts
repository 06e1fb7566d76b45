import { queryOptions } from '@tanstack/react-query';
import { listSources } from './calls.ts';

/** The sources that the account may read, with their datasets. */
export const sourcesQuery = queryOptions({
  queryKey: ['sources'],
  queryFn: ({ signal }) => listSources(signal),
  staleTime: 30_000,
});
