import type { ReactNode } from 'react';
import { Link } from 'react-router';
import { dayAndClock } from '../time/format.ts';
import { useZone } from '../time/zone.ts';
import { Reference } from '../ui/panels.tsx';
import { exportName, rowId, summary } from './labels.ts';
import { useExportsPageState } from './page-state.tsx';
import type { PollingState } from './polling-state.ts';
import { RowActions } from './row-actions.tsx';
import { Status } from './status.tsx';

/**
 * A table on wide pages, cards on narrow ones. The roles are explicit because some browsers remove the meaning of a
 * table with `display: grid`.
 */
export function ExportTable({ rows }: { rows: readonly PollingState[] }): ReactNode {
  return (
    <div
      role="table"
      aria-label="Exports"
      className="overflow-clip rounded-card border-line lg:border"
    >
      <div role="rowgroup" className="sr-only lg:not-sr-only">
        <div
          role="row"
          className="row-grid hidden border-b border-line bg-surface py-2 text-xs font-medium text-muted lg:grid"
        >
          <div role="columnheader">Export</div>
          <div role="columnheader">Status</div>
          <div role="columnheader">
            <span className="sr-only">Actions</span>
          </div>
        </div>
      </div>
      <div role="rowgroup" className="space-y-3 lg:space-y-0">
        {rows.map((tracked) => (
          <ExportRow key={tracked.document.id} tracked={tracked} />
        ))}
      </div>
    </div>
  );
}

function ExportRow({ tracked }: { tracked: PollingState }): ReactNode {
  const { document } = tracked;
  const zone = useZone();
  const { notes } = useExportsPageState();
  const note = notes.get(document.id);
  return (
    <div
      role="row"
      id={rowId(document.id)}
      tabIndex={-1}
      aria-label={exportName(document)}
      className="row-grid rounded-card border border-line py-4 [contain-intrinsic-size:auto_96px] [content-visibility:auto] focus-visible:outline-offset-[-2px] lg:rounded-none lg:border-0 lg:not-first:border-t"
    >
      <div role="cell" className="min-w-0">
        <Link
          to={`/exports/${document.id}`}
          className="-my-1.5 inline-block rounded-control py-1.5 font-medium pointer-coarse:-my-3 pointer-coarse:py-3 wrap-anywhere hover:underline"
        >
          {exportName(document)}
        </Link>
        <p className="text-xs text-muted wrap-anywhere">{summary(document.request, zone)}</p>
        <p className="text-xs text-muted">
          Requested{' '}
          <time dateTime={document.createdAt}>{dayAndClock(zone, document.createdAt)}</time>
        </p>
      </div>
      <div role="cell" className="min-w-0">
        <Status tracked={tracked} />
      </div>
      <div role="cell" className="lg:flex lg:flex-col lg:items-end">
        <RowActions tracked={tracked} />
        {note ? (
          <p
            className={`mt-2 max-w-[32ch] text-xs wrap-anywhere lg:text-right ${note.tone === 'danger' ? 'text-danger' : 'text-muted'}`}
          >
            {note.text} <Reference id={note.reference} />
          </p>
        ) : null}
      </div>
    </div>
  );
}
