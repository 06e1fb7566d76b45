import { notifyManager, onlineManager, type Query, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useEffect, useSyncExternalStore } from 'react';
import { isTransient } from '../api/errors.ts';
import { clock } from '../time/format.ts';
import { useZone } from '../time/zone.ts';
import { TextButton } from '../ui/button.tsx';
import { Icon } from '../ui/icons.tsx';

/** Longer than the interval of the list, so that a single failed poll is not shown. */
const maxSilenceMs = 20_000;

/** The first elements of the keys of queries that poll. */
const polledKeys: readonly unknown[] = ['export', 'exports-head', 'health'];

/** Shows that the browser is offline, or that polls have failed for more than 20 s, and from when the shown data is. */
export function OfflineBanner(): ReactNode {
  const online = useSyncExternalStore(
    (listener) => onlineManager.subscribe(listener),
    () => onlineManager.isOnline(),
  );
  const queries = useQueryClient();
  const cache = queries.getQueryCache();
  const isSilent = useSyncExternalStore(
    (listener) => cache.subscribe(notifyManager.batchCalls(listener)),
    () => lastFailureAt(cache.getAll()) - lastSuccessAt(cache.getAll()) > maxSilenceMs,
  );
  const zone = useZone();
  // Queries that failed do not wait for their own intervals when the server answers again.
  useEffect(() => {
    if (!isSilent)
      void queries.refetchQueries({
        type: 'active',
        predicate: ({ state }) => state.status === 'error' && isTransient(state.error),
      });
  }, [isSilent, queries]);
  if (online && !isSilent) return null;
  const shownAt = lastSuccessAt(cache.getAll());
  const since =
    shownAt === 0 ? '' : ` Showing data from ${clock(zone, new Date(shownAt).toISOString())}.`;
  return (
    <div className="border-b border-warning/40 bg-warning/8">
      <div className="mx-auto flex max-w-[1440px] items-center gap-2 px-4 py-2 lg:px-6">
        <Icon name="warning" className="text-warning" />
        {online ? (
          <>
            <p>{`StreamSync does not answer.${since}`}</p>
            <TextButton
              onClick={() =>
                void queries.refetchQueries({
                  type: 'active',
                  predicate: ({ queryKey }) => polledKeys.includes(queryKey[0]),
                })
              }
            >
              Try again
            </TextButton>
          </>
        ) : (
          <p>{`Offline.${since} Updates resume by themselves.`}</p>
        )}
      </div>
    </div>
  );
}

const lastSuccessAt = (queries: readonly Query[]): number =>
  Math.max(0, ...queries.map(({ state }) => state.dataUpdatedAt));

/** Returns when the last poll failed, in ms; 0 if none failed in a way that may pass. */
const lastFailureAt = (queries: readonly Query[]): number =>
  Math.max(
    0,
    ...queries
      .filter(({ queryKey, state }) => polledKeys.includes(queryKey[0]) && isTransient(state.error))
      .map(({ state }) => state.errorUpdatedAt),
  );
