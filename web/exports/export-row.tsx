import type { ReactNode } from 'react';
import { clock, dayAndClock, exactTime } from '../time/format.ts';
import { useZone } from '../time/zone.ts';
import { Link } from '../ui/link.tsx';
import { Reference } from '../ui/panels.tsx';
import { bytes, duration, formatExact } from '../ui/quantity.ts';
import { exportTitle, formatLabels, rowId, summary } from './labels.ts';
import { useExportsPageState } from './page-state.tsx';
import type { PollingState } from './polling-state.ts';
import { RowActions } from './row-actions.tsx';
import { ProgressBar, StatusWord } from './status.tsx';
import { statusPhrases } from './status-text.ts';
import type { Selection } from './use-selection.ts';

interface Props {
  tracked: PollingState;
  /** Whether a heading above the row has its day. */
  isGrouped: boolean;
  selection: Selection;
  /** The time in ms. */
  now: number;
}

export function ExportRow({ tracked, isGrouped, selection, now }: Props): ReactNode {
  const { document, arrived } = tracked;
  const { id, request, status, createdAt } = document;
  const zone = useZone();
  const title = exportTitle(document, zone);
  const isSelected = selection.has(id);
  return (
    <div
      role="row"
      id={rowId(id)}
      tabIndex={-1}
      aria-label={`${title}, ${formatLabels[request.format]}`}
      className={`export-grid export-row focus-visible:outline-offset-[-2px] ${arrived ? 'shadow-[inset_3px_0_var(--color-accent)]' : status === 'failed' ? 'shadow-[inset_3px_0_var(--color-danger)]' : ''} ${isSelected ? 'bg-accent/8' : 'hover:bg-hover'}`}
    >
      <div role="cell" className="[grid-area:select]">
        <label className="checkbox-target">
          <input
            type="checkbox"
            aria-label={`Select ${title}`}
            checked={isSelected}
            onChange={({ target, nativeEvent }) =>
              selection.toggle(id, target.checked, isShiftPressed(nativeEvent))
            }
          />
        </label>
      </div>
      <div role="cell" className="flex min-w-0 items-start gap-2 [grid-area:export]">
        <span className="format-tag hidden @min-[44rem]:block">{formatLabels[request.format]}</span>
        <div className="min-w-0 flex-1">
          <Link
            to={`/exports/${id}`}
            title={document.file?.name ?? title}
            className="row-link block truncate rounded-control font-semibold hover:underline"
          >
            {title}
          </Link>
          <p className="truncate text-xs text-muted" title={summary(request, zone)}>
            <span className="font-medium text-text @min-[44rem]:hidden">
              {`${formatLabels[request.format]} · `}
            </span>
            <time dateTime={createdAt} title={`Requested ${exactTime(zone, createdAt)}`}>
              {isGrouped ? clock(zone, createdAt) : dayAndClock(zone, createdAt)}
            </time>
            {` · ${summary(request, zone)}`}
          </p>
        </div>
      </div>
      <div role="none" className="export-line">
        <div role="cell" className="[grid-area:status]">
          <StatusWord tracked={tracked} />
        </div>
        {status === 'ready' && document.file?.rows !== 0 ? (
          <FileCells document={document} now={now} />
        ) : (
          <PhraseCell tracked={tracked} />
        )}
      </div>
      <div role="cell" className="[grid-area:actions]">
        <RowActions tracked={tracked} />
      </div>
      <RowNote id={id} />
      {status === 'running' ? (
        <div className="absolute inset-x-0 bottom-0">
          <ProgressBar tracked={tracked} />
        </div>
      ) : null}
    </div>
  );
}

/** Rows, size and expiry of a file: columns on wide pages, a sentence on narrow ones. */
function FileCells({
  document,
  now,
}: {
  document: PollingState['document'];
  now: number;
}): ReactNode {
  const { file, expiresAt } = document;
  return (
    <>
      <div role="cell" className="export-number [grid-area:rows]">
        {file === null ? null : formatExact(file.rows)}
        <span className="@min-[44rem]:sr-only"> rows</span>
      </div>
      <div role="cell" className="export-number [grid-area:size]">
        {file === null ? null : bytes(file.bytes)}
      </div>
      <div role="cell" className="export-number [grid-area:expires]">
        <Expiry at={expiresAt} now={now} />
      </div>
    </>
  );
}

const hourMs = 3_600_000;

function Expiry({ at, now }: { at: string | null; now: number }): ReactNode {
  const zone = useZone();
  if (at === null) return null;
  const left = Date.parse(at) - now;
  return (
    <time
      dateTime={at}
      title={`Expires ${exactTime(zone, at)}`}
      className={left < hourMs ? 'font-medium text-warning' : ''}
    >
      <span className="sr-only">expires </span>
      {left > 0 ? `in ${duration(left / 1_000)}` : 'now'}
    </time>
  );
}

/** What an export without a file is doing, or why it has none, in place of the columns of a file. */
function PhraseCell({ tracked }: { tracked: PollingState }): ReactNode {
  const zone = useZone();
  const { progress, status } = tracked.document;
  const phrases = statusPhrases(tracked, zone);
  // Of a file without rows only the reason is said; its expiry is of no use.
  const text = (status === 'ready' ? phrases.slice(0, 1) : phrases).join(', ');
  const waiting = tracked.cancelling ? null : progress.waiting;
  return (
    <div
      role="cell"
      aria-colspan={3}
      className={`export-phrases text-xs ${status === 'failed' ? '' : 'text-muted'}`}
    >
      <p className="line-clamp-2 wrap-anywhere" title={text}>
        {text}
      </p>
      {waiting === null ? null : (
        <p className="line-clamp-2 text-warning wrap-anywhere" title={waiting}>
          {waiting}
        </p>
      )}
    </div>
  );
}

/** The result of the last action on the export. */
function RowNote({ id }: { id: string }): ReactNode {
  const note = useExportsPageState().notes.get(id);
  return note ? (
    <div role="cell" className="text-right text-xs wrap-anywhere [grid-area:note]">
      <p className={note.tone === 'danger' ? 'text-danger' : 'text-muted'}>
        {note.text} <Reference id={note.reference} />
      </p>
    </div>
  ) : null;
}

const isShiftPressed = (event: Event): boolean => 'shiftKey' in event && event.shiftKey === true;
