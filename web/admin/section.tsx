import type { ReactNode } from 'react';
import { clock, exactTime } from '../time/format.ts';
import { useZone } from '../time/zone.ts';
import { Button, TextButton } from '../ui/button.tsx';
import { PageHeading } from '../ui/page.tsx';
import { EmptyPanel, FailedPanel, Skeleton } from '../ui/panels.tsx';

/** The heading of a section, with what is next to it. */
export function SectionHead({
  title,
  children,
}: {
  title: string;
  children?: ReactNode;
}): ReactNode {
  return (
    <div className="flex min-h-9 flex-wrap items-center justify-between gap-x-4 gap-y-2">
      <PageHeading title={title} />
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">{children}</div>
    </div>
  );
}

/** How often the sections that refresh by themselves do it. */
export const refreshMs = 5_000;

/** `Updated 14:02:10 CET [Pause]` of a section that refreshes by itself. */
export function Updated({
  at,
  paused,
  onPause,
}: {
  at: number;
  paused: boolean;
  onPause: (paused: boolean) => void;
}): ReactNode {
  const zone = useZone();
  const time = at === 0 ? null : new Date(at).toISOString();
  return (
    <p className="flex items-center gap-2 text-muted">
      {time === null ? null : (
        <time dateTime={time} title={exactTime(zone, time)}>
          {`${paused ? 'Paused, from' : 'Updated'} ${clockWithSeconds(zone, time)}`}
        </time>
      )}
      <TextButton onClick={() => onPause(!paused)}>{paused ? 'Resume' : 'Pause'}</TextButton>
    </p>
  );
}

/** `14:02:10 CET` */
function clockWithSeconds(zone: string, instant: string): string {
  const seconds = new Date(instant).getUTCSeconds().toString().padStart(2, '0');
  return clock(zone, instant).replace(/^\d\d:\d\d/, (minutes) => `${minutes}:${seconds}`);
}

export function Refresh({ busy, onRefresh }: { busy: boolean; onRefresh: () => void }): ReactNode {
  return (
    <Button small busy={busy} onClick={onRefresh}>
      {busy ? 'Refreshing…' : 'Refresh'}
    </Button>
  );
}

interface LoadedProps<Data> {
  what: string;
  query: { data: Data | undefined; error: Error | null; refetch: () => unknown };
  /** Shown in place of content without rows. */
  empty?: { when: (data: Data) => boolean; text: string; action?: ReactNode };
  children: (data: Data) => ReactNode;
}

/** What was loaded; while there is nothing, that it loads, failed or is empty. */
export function Loaded<Data>({ what, query, empty, children }: LoadedProps<Data>): ReactNode {
  const { data, error, refetch } = query;
  if (data === undefined)
    return error ? (
      <FailedPanel what={what} error={error} onRetry={() => void refetch()} />
    ) : (
      <Skeleton label={`Loading ${what}`} rows={4} />
    );
  if (empty?.when(data)) return <EmptyPanel action={empty.action}>{empty.text}</EmptyPanel>;
  return (
    <>
      {error ? <FailedPanel what={what} error={error} onRetry={() => void refetch()} /> : null}
      {children(data)}
    </>
  );
}
