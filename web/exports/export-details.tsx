import { lazy, type ReactNode, Suspense } from 'react';
import type { ExportDocument } from '../../lib/contracts/export-document.ts';
import { dayAndClock, exactTime } from '../time/format.ts';
import { useZone } from '../time/zone.ts';
import { CopyButton } from '../ui/copy-button.tsx';
import { Entry } from '../ui/details.tsx';
import { Link } from '../ui/link.tsx';
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
  const note = useExportsPageState().notes.get(document.id);
  return (
    <div className="grid items-start gap-6 lg:grid-cols-[minmax(0,1fr)_380px]">
      <div className="min-w-0 space-y-6">
        <Card>
          <div className="flex flex-wrap items-start justify-between gap-4">
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
          <Timeline document={document} />
        </Card>
        {document.file ? <FileCard file={document.file} /> : null}
      </div>
      <RequestCard document={document} />
    </div>
  );
}

function Card({ title, children }: { title?: string; children: ReactNode }): ReactNode {
  return (
    <section className="space-y-4 rounded-card border border-line p-4 sm:p-5">
      {title === undefined ? null : <h2 className="font-semibold">{title}</h2>}
      {children}
    </section>
  );
}

/** What happened to the export and when, as dots on a line; the expiry is still to come. */
function Timeline({ document }: { document: ExportDocument }): ReactNode {
  const zone = useZone();
  const now = useNow(30_000);
  const { createdAt, startedAt, finishedAt, expiresAt, downloadedAt } = document;
  const events = [
    { name: 'Requested', at: createdAt },
    { name: 'Started', at: startedAt },
    { name: 'Finished', at: finishedAt },
    { name: 'Downloaded', at: downloadedAt },
    { name: document.status === 'expired' ? 'Expired' : 'Expires', at: expiresAt },
  ].flatMap(({ name, at }) => (at === null ? [] : [{ name, at }]));
  return (
    <ol aria-label="Times" className="grid gap-3 sm:auto-cols-fr sm:grid-flow-col">
      {events.map(({ name, at }) => (
        <li
          key={name}
          className="border-l-2 border-line pl-3 sm:border-t-2 sm:border-l-0 sm:pt-2 sm:pl-0"
        >
          <p className="flex items-center gap-1.5 text-xs font-medium">
            <span
              aria-hidden="true"
              className={`size-2 rounded-full ${Date.parse(at) <= now ? 'bg-accent' : 'border border-control'}`}
            />
            {name}
          </p>
          <time dateTime={at} title={exactTime(zone, at)} className="text-xs text-muted">
            {dayAndClock(zone, at)}
          </time>
        </li>
      ))}
    </ol>
  );
}

function FileCard({ file }: { file: NonNullable<ExportDocument['file']> }): ReactNode {
  return (
    <Card title="File">
      <dl className="grid gap-x-6 gap-y-3 sm:grid-cols-[120px_1fr]">
        <Entry term="Name">
          <span className="wrap-anywhere">{file.name}</span>
        </Entry>
        <Entry term="Rows">{formatExact(file.rows)}</Entry>
        <Entry term="Size">{`${bytes(file.bytes)} (${formatExact(file.bytes)} bytes)`}</Entry>
        <Entry term="SHA-256">
          <code className="font-mono text-xs break-all">{file.sha256}</code>
        </Entry>
      </dl>
      <div className="flex flex-wrap items-center gap-3">
        <CopyButton what="SHA-256" text={file.sha256} />
        <Link to="/verify" className="text-accent underline underline-offset-2">
          Verify a downloaded file
        </Link>
      </div>
    </Card>
  );
}

function RequestCard({ document }: { document: ExportDocument }): ReactNode {
  const { request } = document;
  const zone = useZone();
  return (
    <Card title="Request">
      <dl className="grid gap-x-6 gap-y-3 sm:grid-cols-[120px_1fr]">
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
        <Entry term="Id">
          <code className="font-mono text-xs break-all">{document.id}</code>
        </Entry>
      </dl>
    </Card>
  );
}
