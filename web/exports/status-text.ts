import type { ExportDocument } from '../../lib/contracts/export-document.ts';
import { countedPlaces } from '../../lib/contracts/queue.ts';
import { dayAndClock } from '../time/format.ts';
import {
  bytes,
  duration,
  formatApproximate,
  formatApproximateRows,
  formatRowsOfTotal,
  ordinal,
  rowCount,
} from '../ui/quantity.ts';
import type { PollingState } from './polling-state.ts';

/** Returns the percentage of a running export: at most 99, because only the server knows when it is ready. */
export function percentDone({ document }: PollingState): number | null {
  const { rows, estimatedRows } = document.progress;
  if (estimatedRows === null || estimatedRows === 0) return null;
  return Math.min(99, Math.floor((rows / estimatedRows) * 100));
}

/** Returns the line under the status: rows, speed and times. */
export const statusLine = (tracked: PollingState, zone: string): string =>
  statusPhrases(tracked, zone).join(', ');

/** Returns the phrases of `statusLine`, which a line break should not cut. */
export function statusPhrases(tracked: PollingState, zone: string): string[] {
  const { document, cancelling } = tracked;
  const { status, file, error, finishedAt, expiresAt, downloadedAt } = document;
  if (cancelling) return ['Stopping; the rows written so far are discarded.'];
  switch (status) {
    case 'queued':
      return queuedPhrases(tracked);
    case 'running':
      return runningPhrases(tracked);
    case 'ready': {
      const rows =
        file?.rows === 0 ? `0 rows: ${reasonForNoRows(document)}` : rowCount(file?.rows ?? 0);
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

function reasonForNoRows({ request: { from, to, where = [] } }: ExportDocument): string {
  const filtered = where.length > 0;
  if (from === undefined && to === undefined)
    return filtered ? 'no row meets the conditions' : 'the dataset is empty';
  return filtered ? 'no row in this range meets the conditions' : 'no data in this range';
}

function queuedPhrases({ document, overdueAt }: PollingState): string[] {
  const { queuePosition, etaSeconds, waiting } = document.progress;
  const phrases: string[] = [];
  // While the whole line waits, a position says nothing about the start.
  if (waiting !== null && etaSeconds === null) return phrases;
  if (queuePosition !== null) phrases.push(positionText(queuePosition));
  if (overdueAt !== null && Date.now() > overdueAt) phrases.push('longer than usual');
  else if (etaSeconds !== null) phrases.push(`ready in about ${duration(etaSeconds)}`);
  return phrases;
}

/** `next in line`, `3rd in line`, `101st or later in line` */
const positionText = (position: number): string =>
  `${position === 0 ? 'next' : ordinal(position + 1)}${position < countedPlaces ? '' : ' or later'} in line`;

/** `orders.csv queued, 3rd in line` */
export function queuedSentence(subject: string, { progress }: ExportDocument): string {
  const { queuePosition } = progress;
  return queuePosition === null
    ? `${subject} queued`
    : `${subject} queued, ${positionText(queuePosition)}`;
}

function runningPhrases(tracked: PollingState): string[] {
  const { rows, estimatedRows, etaSeconds, waiting } = tracked.document.progress;
  const rate = tracked.unchanged > 2 || waiting !== null ? null : tracked.rate;
  const speed = rate === null || rate < 1 ? [] : [`${formatApproximate(rate)}/s`];
  if (estimatedRows === null || estimatedRows === 0)
    return rows === 0 ? ['Reading the first rows'] : [formatApproximateRows(rows), ...speed];
  if (rows >= estimatedRows)
    return speed.length === 0
      ? ['Finishing: checking the file (99 %)']
      : [formatApproximateRows(rows), 'more than the estimate', ...speed];
  const secondsLeft =
    etaSeconds ?? (rate === null || rate < 1 ? null : (estimatedRows - rows) / rate);
  const remaining = secondsLeft === null ? [] : [`about ${duration(secondsLeft)} left`];
  return [formatRowsOfTotal(rows, estimatedRows), ...speed, ...remaining];
}
