import { Fragment, type ReactNode } from 'react';
import type { PublicStatus } from '../../lib/contracts/export-document.ts';
import { useZone } from '../time/zone.ts';
import { Icon, type IconName } from '../ui/icons.tsx';
import { exportName } from './labels.ts';
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

/** The status of an export as icon, word and line, with a progress bar while it runs. */
export function Status({ tracked }: { tracked: PollingState }): ReactNode {
  const zone = useZone();
  const { status, downloadedAt, progress } = tracked.document;
  const downloaded = status === 'ready' && downloadedAt !== null;
  const { icon, color } = downloaded
    ? { icon: 'check' as const, color: 'text-muted' }
    : statusStyles[status];
  const word = tracked.cancelling ? 'Cancelling' : downloaded ? 'Downloaded' : statusLabels[status];
  const percent = percentDone(tracked);
  const phrases = statusPhrases(tracked, zone);
  return (
    <div className="min-w-0 space-y-1">
      <p className={`flex items-center gap-1.5 font-medium ${color}`}>
        <Icon name={icon} className={status === 'running' ? 'animate-spin' : ''} />
        {word}
        {status === 'running' && percent !== null && !tracked.cancelling ? ` ${percent} %` : null}
      </p>
      {status === 'running' ? <Progress tracked={tracked} percent={percent} /> : null}
      {phrases.length === 0 ? null : (
        <p className="text-muted wrap-anywhere">
          {phrases.map((phrase, index, { length }) => (
            <Fragment key={phrase}>
              <span className="inline-block">
                {phrase}
                {index < length - 1 ? ',' : ''}
              </span>{' '}
            </Fragment>
          ))}
        </p>
      )}
      {progress.waiting === null || tracked.cancelling ? null : (
        <p className="max-w-[48ch] text-warning wrap-anywhere">{progress.waiting}</p>
      )}
    </div>
  );
}

function Progress({
  tracked,
  percent,
}: {
  tracked: PollingState;
  percent: number | null;
}): ReactNode {
  const zone = useZone();
  const amount = percent === null ? {} : { 'aria-valuenow': percent };
  return (
    <div
      role="progressbar"
      aria-label={`Progress of ${exportName(tracked.document)}`}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuetext={statusLine(tracked, zone)}
      {...amount}
      className="h-1.5 max-w-[320px] overflow-hidden rounded-full bg-[color-mix(in_srgb,var(--color-accent)_18%,var(--color-background))]"
    >
      <div
        className={`h-full rounded-full bg-accent transition-[width] ${percent === null ? 'w-1/3 animate-slide' : ''}`}
        style={percent === null ? undefined : { width: `${percent}%` }}
      />
    </div>
  );
}
