import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import type { ExportEstimate } from '../../lib/contracts/export-document.ts';
import { estimateExport, type NewExport } from '../api/calls.ts';
import { SignedOutError } from '../session/session.ts';

const stillMs = 400;

interface EstimateState {
  isPending: boolean;
  estimate: ExportEstimate | null;
  error: Error | null;
}

/** What the draft would be, once it has been left alone; `request` is null while it is none. */
export function useEstimate(request: NewExport | null): EstimateState {
  const wanted = JSON.stringify(request);
  const [settled, setSettled] = useState('');
  useEffect(() => {
    const timer = setTimeout(() => setSettled(wanted), stillMs);
    return () => clearTimeout(timer);
  }, [wanted]);
  // What was told of another draft is not shown beside this one.
  const isSettled = request !== null && settled === wanted;
  const { data, error } = useQuery({
    queryKey: ['estimate', wanted],
    queryFn: ({ signal }) => (request === null ? null : estimateExport(request, signal)),
    enabled: isSettled,
    staleTime: 30_000,
  });
  const told = isSettled && !(error instanceof SignedOutError);
  return {
    isPending: request !== null && (!isSettled || (!data && !error)),
    estimate: told ? (data ?? null) : null,
    error: told ? error : null,
  };
}
