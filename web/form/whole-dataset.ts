import { useQuery } from '@tanstack/react-query';
import type { Dataset } from '../../lib/contracts/sources.ts';
import { getDataset } from '../api/calls.ts';

/** Returns the dataset with its columns. The list of sources omits them if a source has too many. */
export function useFullDataset(source: string, listed: Dataset | undefined): Dataset | undefined {
  const { data } = useQuery({
    queryKey: ['dataset', source, listed?.name],
    queryFn: ({ signal }) => getDataset(source, listed?.name ?? '', signal),
    enabled: listed?.columnsLeftOut === true,
    staleTime: 30_000,
  });
  return data ?? listed;
}
