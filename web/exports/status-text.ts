import type { ExportDocument } from '../../lib/contracts/export-document.ts';
import { countedPlaces } from '../../lib/contracts/queue.ts';
import { dayAndClock } from '../time/format.ts';
import { bytes, duration, ordinal, rough, roughRows, rowCount, rowsOf } from '../ui/quantity.ts';
import type { Tracked } from './tracked.ts';

/** Percent shown of a running export: never 100 before the server says that it is ready. */
export function percentDone({ document }: Tracked): number | null {
  const { rows, estimatedRows } = document.progress;
  if (estimatedRows === null || estimatedRows === 0) return null;
  return Math.min(99, Math.floor((rows / estimatedRows) * 100));
}

/** The line under the status word: what is there, how fast, until when. */
export const statusLine = (tracked: Tracked, zone: string): string =>
  statusParts(tracked, zone).join(', ');

/** The same in the pieces that a line break should not cut. */
export function statusParts(tracked: Tracked, zone: string): string[] {
  const { document, cancelling } = tracked;
  const { status, file, error, finishedAt, expiresAt, downloadedAt } = document;
  if (cancelling) return ['Stopping; the rows written so far are discarded.'];
  switch (status) {
    case 'queued':
      return queuedParts(tracked);
    case 'running':
      return runningParts(tracked);
    case 'ready': {
      const rows = file?.rows === 0 ? `0 rows: ${whyNone(document)}` : rowCount(file?.rows ?? 0);
      const until = expiresAt === null ? [] : [`expires ${dayAndClock(zone, expiresAt)}`];
      const size = file && file.rows > 0 ? [bytes(file.bytes)] : [];
      const fetched =
        downloadedAt === null ? [] : [`downloaded ${dayAndClock(zone, downloadedAt)}`];
      return [rows, ...size, ...fetched, ...until];
    }
    case 'failed':
      return [`${error?.message ?? 'The export failed.'} No file was made.`];
    case 'cancelled':
      return finishedAt === null ? [] : [dayAndClock(zone, finishedAt)];
    case 'expired':
      return [`${expiresAt === null ? '' : `${dayAndClock(zone, expiresAt)}; `}file deleted`];
    default:
      return status satisfies never;
  }
}

function whyNone({ request: { from, to, where = [] } }: ExportDocument): string {
  const filtered = where.length > 0;
  if (from === undefined && to === undefined)
    return filtered ? 'none meets the conditions' : 'the dataset has none';
  return filtered ? 'none in this range meets the conditions' : 'no data in this range';
}

function queuedParts({ document }: Tracked): string[] {
  const { queuePosition, etaSeconds, waiting } = document.progress;
  const parts: string[] = [];
  // A place says nothing while nobody can go on.
  if (waiting !== null && etaSeconds === null) return parts;
  if (queuePosition !== null) parts.push(placeInQueue(queuePosition));
  if (etaSeconds !== null) parts.push(`ready in about ${duration(etaSeconds)}`);
  return parts;
}

/** `next in the queue`, `3rd in the queue`, `101st or later in the queue` */
const placeInQueue = (position: number): string =>
  `${position === 0 ? 'next' : ordinal(position + 1)}${position < countedPlaces ? '' : ' or later'} in the queue`;

/** `orders.csv queued, 3rd in the queue` */
export function queuedSentence(what: string, { progress }: ExportDocument): string {
  const { queuePosition } = progress;
  return queuePosition === null
    ? `${what} queued`
    : `${what} queued, ${placeInQueue(queuePosition)}`;
}

function runningParts(tracked: Tracked): string[] {
  const { rows, estimatedRows, etaSeconds, waiting } = tracked.document.progress;
  const rate = tracked.unchanged > 2 || waiting !== null ? null : tracked.rate;
  const speed = rate === null || rate < 1 ? [] : [`${rough(rate)}/s`];
  if (estimatedRows === null || estimatedRows === 0)
    return rows === 0 ? ['Reading the first rows'] : [roughRows(rows), ...speed];
  if (rows >= estimatedRows)
    return speed.length === 0
      ? ['Finishing: checking the file (99 %)']
      : [roughRows(rows), 'more than the estimate', ...speed];
  const left = etaSeconds ?? (rate === null || rate < 1 ? null : (estimatedRows - rows) / rate);
  const remaining = left === null ? [] : [`about ${duration(left)} left`];
  return [rowsOf(rows, estimatedRows), ...speed, ...remaining];
}
