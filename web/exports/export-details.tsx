import { lazy, type ReactNode, Suspense } from 'react';
import { dayAndClock, exactTime } from '../time/format.ts';
import { useZone } from '../time/zone.ts';
import { Entry } from '../ui/details.tsx';
import { useNow } from '../ui/now.ts';
import { Reference } from '../ui/panels.tsx';
import { bytes, formatExact } from '../ui/quantity.ts';
import { Choices } from './choice-entries.tsx';
import { compressionLabels, consistencyLabels, formatLabels } from './labels.ts';
import { useExportsPageState } from './page-state.tsx';
import type { PollingState } from './polling-state.ts';
import { RowActions } from './row-actions.tsx';
import { Status } from './status.tsx';

const UnitsOf = lazy(() => import('./unit-list.tsx'));

export function ExportDetails({ tracked }: { tracked: PollingState }): ReactNode {
  const { document } = tracked;
  const { request, file, createdAt, startedAt, finishedAt, expiresAt, downloadedAt } = document;
  const zone = useZone();
  const note = useExportsPageState().notes.get(document.id);
  useNow(30_000);
  return (
    <div className="rounded-card border border-line">
      <div className="flex flex-wrap items-start justify-between gap-4 border-b border-line p-4 sm:p-6">
        <div className="min-w-[220px] flex-1">
          <Status tracked={tracked} />
        </div>
        <div>
          <RowActions tracked={tracked} />
          {note ? (
            <p
              className={`mt-2 max-w-[32ch] text-xs wrap-anywhere ${note.tone === 'danger' ? 'text-danger' : 'text-muted'}`}
            >
              {note.text} <Reference id={note.reference} />
            </p>
          ) : null}
        </div>
      </div>
      <dl className="grid gap-x-6 gap-y-3 p-4 sm:grid-cols-[140px_1fr] sm:p-6">
        {request.name === undefined ? null : <Entry term="Name">{request.name}</Entry>}
        <Entry term="Source">{request.sources.join(', ')}</Entry>
        <Entry term="Dataset">{request.dataset}</Entry>
        <Entry term="From">
          {request.from === undefined ? 'No limit' : dayAndClock(zone, request.from)}
        </Entry>
        <Entry term="Until (exclusive)">
          {request.to === undefined ? 'No limit' : dayAndClock(zone, request.to)}
        </Entry>
        <Entry term="Columns">{request.columns?.join(', ') ?? 'all'}</Entry>
        <Choices request={request} />
        <Entry term="Format">{formatLabels[request.format]}</Entry>
        <Entry term="Compression">{compressionLabels[request.compression]}</Entry>
        <Entry term="Rows as of">
          {consistencyLabels[request.consistency]}
          {request.consistency === 'resumable' && document.status === 'ready' ? (
            <Suspense>
              <UnitsOf document={document} />
            </Suspense>
          ) : null}
        </Entry>
        {file ? (
          <>
            {request.name === undefined ? null : <Entry term="File">{file.name}</Entry>}
            <Entry term="Rows">{formatExact(file.rows)}</Entry>
            <Entry term="Size">{`${bytes(file.bytes)} (${formatExact(file.bytes)} bytes)`}</Entry>
            <Entry term="SHA-256">
              <code className="font-mono text-xs break-all">{file.sha256}</code>
            </Entry>
          </>
        ) : null}
        <TimeEntry term="Requested" at={createdAt} />
        <TimeEntry term="Started" at={startedAt} />
        <TimeEntry term="Finished" at={finishedAt} />
        <TimeEntry term="Downloaded" at={downloadedAt} />
        <TimeEntry term="Expires" at={expiresAt} />
        <Entry term="Id">
          <code className="font-mono text-xs break-all">{document.id}</code>
        </Entry>
      </dl>
    </div>
  );
}

function TimeEntry({ term, at }: { term: string; at: string | null }): ReactNode {
  const zone = useZone();
  return at === null ? null : (
    <Entry term={term}>
      <time dateTime={at}>{exactTime(zone, at)}</time>
    </Entry>
  );
}
