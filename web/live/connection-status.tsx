import { type ReactNode, useEffect } from 'react';
import { announce } from '../ui/announcer.tsx';
import { TextButton } from '../ui/button.tsx';
import { Icon, type IconName } from '../ui/icons.tsx';
import { useNow } from '../ui/now.ts';
import { duration, formatExact } from '../ui/quantity.ts';
import type { FeedState } from './feed.ts';
import { clockText, connectionWord, isLagging, lagText, zoneAt } from './labels.ts';

interface Props {
  state: Pick<FeedState, 'connection' | 'lagMs' | 'paused'>;
  zone: string;
  onRetry: () => void;
}

/** A change that lasts shorter than this is not announced. */
const announceMs = 3_000;

const icons: Record<ReturnType<typeof connectionWord>, { name: IconName; className: string }> = {
  Live: { name: 'done', className: 'text-success' },
  'Catching up': { name: 'running', className: 'text-accent' },
  Connecting: { name: 'running', className: 'text-muted' },
  Reconnecting: { name: 'warning', className: 'text-warning' },
  'Polling every 5 s': { name: 'clock', className: 'text-warning' },
  Offline: { name: 'warning', className: 'text-warning' },
  Paused: { name: 'pause', className: 'text-warning' },
};

/** How readings arrive, in a word that is announced when it has lasted 3 s, and their lag. */
export function ConnectionStatus({ state, zone, onRetry }: Props): ReactNode {
  const { connection, lagMs, paused } = state;
  const now = useNow(1_000);
  const word = connectionWord(connection, paused);
  useEffect(() => {
    const timer = setTimeout(() => announce('connection', { sentence: word }), announceMs);
    return () => clearTimeout(timer);
  }, [word]);
  const { name, className } = icons[word];
  const isLive = connection.status === 'live' && !paused;
  return (
    <p className="flex min-h-8 flex-wrap items-center gap-x-2 gap-y-1">
      <Icon name={name} className={className} />
      <span className="font-medium">
        {connection.status === 'reconnecting'
          ? `Reconnecting in ${duration(Math.max(0, connection.retryAt - now) / 1_000)}`
          : word}
        {paused
          ? `${word === 'Paused' ? '' : ', paused'} at ${clockText(zone, paused.at)} ${zoneAt(zone, paused.at)}`
          : null}
      </span>
      {paused ? (
        <span className="text-muted">
          {`${formatExact(paused.newReadings)} new ${paused.newReadings === 1 ? 'reading' : 'readings'}`}
        </span>
      ) : null}
      {isLive && isLagging(lagMs) ? (
        <span className="text-warning">{`Behind by ${lagText(lagMs)}`}</span>
      ) : isLive && lagMs !== null ? (
        <span className="text-muted">{`lag ${lagText(lagMs)}`}</span>
      ) : null}
      {connection.status === 'reconnecting' || connection.status === 'polling' ? (
        <TextButton onClick={onRetry}>
          {connection.status === 'polling' ? 'Reconnect' : 'Now'}
        </TextButton>
      ) : null}
    </p>
  );
}
