import { useQuery } from '@tanstack/react-query';
import type { Dataset } from '../../lib/contracts/sources.ts';
import { call, json } from '../api/client.ts';

/** The dataset with its columns, which a source of very many leaves out of the list. */
export function useWholeDataset<D extends Dataset | undefined>(
  source: string,
  listed: D,
): D | Dataset {
  const { data } = useQuery({
    queryKey: ['dataset', source, listed?.name],
    queryFn: async ({ signal }): Promise<Dataset> => {
      const [where, what] = [source, listed?.name ?? ''].map(encodeURIComponent);
      return json(await call(`/sources/${where}/datasets/${what}`, { signal }));
    },
    enabled: listed?.columnsLeftOut === true,
    staleTime: 30_000,
  });
  return data ?? listed;
}
