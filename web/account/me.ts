import { queryOptions } from '@tanstack/react-query';
import type { Me } from '../../lib/contracts/accounts.ts';
import { call, json } from '../api/client.ts';

export const meQuery = queryOptions({
  queryKey: ['me'],
  queryFn: async ({ signal }): Promise<Me> => json(await call('/me', { signal })),
  staleTime: 60_000,
});
