import { onlineManager, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useSyncExternalStore } from 'react';
import { clock } from '../time/format.ts';
import { useZone } from '../time/zone.ts';
import { Icon } from '../ui/icons.tsx';

export function OfflineBanner(): ReactNode {
  const online = useSyncExternalStore(
    (listener) => onlineManager.subscribe(listener),
    () => onlineManager.isOnline(),
  );
  const queries = useQueryClient();
  const zone = useZone();
  if (online) return null;
  const updates = queries.getQueryCache().getAll();
  const last = Math.max(0, ...updates.map(({ state }) => state.dataUpdatedAt));
  const since =
    last === 0 ? '' : ` Showing data from ${clock(zone, new Date(last).toISOString())}.`;
  return (
    <div className="border-b border-warning/40 bg-warning/8">
      <p className="mx-auto flex max-w-[1440px] items-center gap-2 px-4 py-2 lg:px-6">
        <Icon name="warning" className="text-warning" />
        {`Offline.${since} Updates resume by themselves.`}
      </p>
    </div>
  );
}
