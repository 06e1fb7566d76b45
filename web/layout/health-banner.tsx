import { queryOptions, useQuery } from '@tanstack/react-query';
import { lazy, type ReactNode, Suspense, useState } from 'react';
import type { Health } from '../../lib/contracts/health.ts';
import { getHealth } from '../api/calls.ts';

const HealthNotice = lazy(() => import('./health-notice.tsx'));

const intervalMs = 60_000;

/** Also refetched when the window gets the focus again. */
const healthQuery = queryOptions({
  queryKey: ['health'],
  queryFn: ({ signal }): Promise<Health> => getHealth(signal),
  staleTime: intervalMs,
  refetchInterval: intervalMs,
});

/** Shows which functions of StreamSync are impaired. The code of the notice is loaded with the first problem. */
export function HealthBanner(): ReactNode {
  const { data } = useQuery(healthQuery);
  const problems = data?.problems ?? [];
  const [hadProblems, setHadProblems] = useState(false);
  if (problems.length > 0 && !hadProblems) setHadProblems(true);
  // Screen readers announce a text only if its live region existed before. The notice stays, to know what was dismissed.
  return (
    <div role="status">
      {hadProblems ? (
        <Suspense>
          <HealthNotice problems={problems} />
        </Suspense>
      ) : null}
    </div>
  );
}
