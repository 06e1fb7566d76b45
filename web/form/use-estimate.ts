import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import type { ExportEstimate } from '../../lib/contracts/export-document.ts';
import { estimateExport, type NewExport } from '../api/calls.ts';
import { SignedOutError } from '../session/session.ts';

const debounceMs = 400;

interface EstimateState {
  isPending: boolean;
  estimate: ExportEstimate | null;
  error: Error | null;
}

/** Returns the estimate of a request that has not changed for 400 ms; `request` is null while the draft has errors. */
export function useEstimate(request: NewExport | null): EstimateState {
  const requestJson = JSON.stringify(request);
  const [settledJson, setSettledJson] = useState('');
  useEffect(() => {
    const timer = setTimeout(() => setSettledJson(requestJson), debounceMs);
    return () => clearTimeout(timer);
  }, [requestJson]);
  // The estimate of an earlier draft is not shown for this one.
  const isSettled = request !== null && settledJson === requestJson;
  const { data, error } = useQuery({
    queryKey: ['estimate', requestJson],
    queryFn: ({ signal }) => (request === null ? null : estimateExport(request, signal)),
    enabled: isSettled,
    staleTime: 30_000,
    // Without a connection it fails at once, instead of “Estimating…” until there is one.
    networkMode: 'always',
    refetchOnReconnect: true,
  });
  const isCurrent = isSettled && !(error instanceof SignedOutError);
  return {
    isPending: request !== null && (!isSettled || (!data && !error)),
    estimate: isCurrent ? (data ?? null) : null,
    error: isCurrent ? error : null,
  };
}
