import { lazy, type ReactNode, Suspense } from 'react';
import { dayAndClock, exactTime } from '../time/format.ts';
import { useZone } from '../time/zone.ts';
import { Entry } from '../ui/details.tsx';
import { useNow } from '../ui/now.ts';
import { Reference } from '../ui/panels.tsx';
import { bytes, exact } from '../ui/quantity.ts';
import { Choices } from './choice-entries.tsx';
import { compressionNames, consistencyNames, formatNames } from './names.ts';
import { useExportsPageState } from './page-state.tsx';
import { RowActions } from './row-actions.tsx';
import { Status } from './status.tsx';
import type { Tracked } from './tracked.ts';

const PartsOf = lazy(() => import('./parts.tsx'));

export function ExportDetails({ tracked }: { tracked: Tracked }): ReactNode {
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
        <Entry term="Source">{request.sources.join(', ')}</Entry>
        <Entry term="Dataset">{request.dataset}</Entry>
        <Entry term="From">
          {request.from === undefined ? 'the first row' : dayAndClock(zone, request.from)}
        </Entry>
        <Entry term="To, not included">
          {request.to === undefined ? 'the last row' : dayAndClock(zone, request.to)}
        </Entry>
        <Entry term="Columns">{request.columns?.join(', ') ?? 'all'}</Entry>
        <Choices request={request} />
        <Entry term="Format">{formatNames[request.format]}</Entry>
        <Entry term="Compression">{compressionNames[request.compression]}</Entry>
        <Entry term="Consistency">
          {consistencyNames[request.consistency]}
          {request.consistency === 'resumable' && document.status === 'ready' ? (
            <Suspense>
              <PartsOf document={document} />
            </Suspense>
          ) : null}
        </Entry>
        {file ? (
          <>
            <Entry term="Rows">{exact(file.rows)}</Entry>
            <Entry term="Size">{`${bytes(file.bytes)} (${exact(file.bytes)} bytes)`}</Entry>
            <Entry term="SHA-256">
              <code className="font-mono text-xs break-all">{file.sha256}</code>
            </Entry>
          </>
        ) : null}
        <Moment term="Asked" at={createdAt} />
        <Moment term="Started" at={startedAt} />
        <Moment term="Finished" at={finishedAt} />
        <Moment term="Downloaded" at={downloadedAt} />
        <Moment term="Expires" at={expiresAt} />
        <Entry term="Id">
          <code className="font-mono text-xs break-all">{document.id}</code>
        </Entry>
      </dl>
    </div>
  );
}

function Moment({ term, at }: { term: string; at: string | null }): ReactNode {
  const zone = useZone();
  return at === null ? null : (
    <Entry term={term}>
      <time dateTime={at}>{exactTime(zone, at)}</time>
    </Entry>
  );
}
