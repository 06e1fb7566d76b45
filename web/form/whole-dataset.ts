import { useQuery } from '@tanstack/react-query';
import type { Dataset } from '../../lib/contracts/sources.ts';
import { getDataset } from '../api/calls.ts';

/** The dataset with its columns, which the list leaves out where a source has very many. */
export function useWholeDataset(source: string, listed: Dataset | undefined): Dataset | undefined {
  const { data } = useQuery({
    queryKey: ['dataset', source, listed?.name],
    queryFn: ({ signal }) => getDataset(source, listed?.name ?? '', signal),
    enabled: listed?.columnsLeftOut === true,
    staleTime: 30_000,
  });
  return data ?? listed;
}
