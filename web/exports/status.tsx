import type { ReactNode } from 'react';
import type { PublicStatus } from '../../lib/contracts/export-document.ts';
import { useZone } from '../time/zone.ts';
import { Icon, type IconName } from '../ui/icons.tsx';
import { exportTitle } from './labels.ts';
import type { PollingState } from './polling-state.ts';
import { percentDone, statusLine, statusPhrases } from './status-text.ts';

export const statusLabels: Record<PublicStatus, string> = {
  queued: 'Queued',
  running: 'Running',
  ready: 'Ready',
  failed: 'Failed',
  cancelled: 'Cancelled',
  expired: 'Expired',
};

export const statusStyles: Record<PublicStatus, { icon: IconName; color: string }> = {
  queued: { icon: 'clock', color: 'text-muted' },
  running: { icon: 'running', color: 'text-accent' },
  ready: { icon: 'done', color: 'text-success' },
  failed: { icon: 'warning', color: 'text-danger' },
  cancelled: { icon: 'crossCircle', color: 'text-muted' },
  expired: { icon: 'dash', color: 'text-muted' },
};

/** The status of an export as icon and word. Only an exception has a colour. */
export function StatusWord({ tracked }: { tracked: PollingState }): ReactNode {
  const { status, downloadedAt } = tracked.document;
  const downloaded = status === 'ready' && downloadedAt !== null;
  const { icon, color } = downloaded
    ? { icon: 'check' as const, color: 'text-muted' }
    : statusStyles[status];
  const word = tracked.cancelling ? 'Cancelling' : downloaded ? 'Downloaded' : statusLabels[status];
  const percent = percentDone(tracked);
  return (
    <p className="flex items-center gap-1.5 font-medium whitespace-nowrap">
      <Icon name={icon} className={`${color} ${status === 'running' ? 'animate-spin' : ''}`} />
      <span className={status === 'failed' ? color : status === 'ready' ? '' : 'text-muted'}>
        {word}
        {status === 'running' && percent !== null && !tracked.cancelling ? ` ${percent} %` : null}
      </span>
    </p>
  );
}

/** The status of an export as icon, word and line, with a progress bar while it runs. */
export function Status({ tracked }: { tracked: PollingState }): ReactNode {
  const zone = useZone();
  const { progress, status } = tracked.document;
  const phrases = statusPhrases(tracked, zone);
  return (
    <div className="min-w-0 space-y-1">
      <StatusWord tracked={tracked} />
      {status === 'running' ? <ProgressBar tracked={tracked} /> : null}
      {phrases.length === 0 ? null : (
        <p className="text-muted wrap-anywhere">{phrases.join(', ')}</p>
      )}
      {progress.waiting === null || tracked.cancelling ? null : (
        <p className="max-w-[48ch] text-warning wrap-anywhere">{progress.waiting}</p>
      )}
    </div>
  );
}

export function ProgressBar({ tracked }: { tracked: PollingState }): ReactNode {
  const zone = useZone();
  const percent = percentDone(tracked);
  const amount = percent === null ? {} : { 'aria-valuenow': percent };
  return (
    <div
      role="progressbar"
      aria-label={`Progress of ${exportTitle(tracked.document, zone)}`}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuetext={statusLine(tracked, zone)}
      {...amount}
      className="h-0.5 overflow-hidden bg-[color-mix(in_srgb,var(--color-accent)_18%,var(--color-background))]"
    >
      <div
        className={`h-full bg-accent transition-[width] ${percent === null ? 'w-1/3 animate-slide' : ''}`}
        style={percent === null ? undefined : { width: `${percent}%` }}
      />
    </div>
  );
}
