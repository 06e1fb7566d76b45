import type { ExportDocument } from '../../lib/contracts/export-document.ts';
import type { ExportAnswer } from '../api/calls.ts';
import { isActive } from './newer-document.ts';
import { rememberedDownloadAt } from './started-downloads.ts';

/** An export as the page knows it, and what decides when it is polled next. */
export interface PollingState {
  document: ExportDocument;
  etag: string | null;
  retryAfter: number | null;
  /** The number of answers in a row without a change. */
  unchanged: number;
  /** Rows per second, smoothed over the answers with a change; null before the second of them. */
  rate: number | null;
  /** When the current number of rows was first seen, in ms of the page's clock. */
  seenAt: number;
  /** When twice the time is over in which a waiting export was first said to be ready, in ms; null if it was not said. */
  overdueAt: number | null;
  /** When this browser started a download, in ms; null if it did not. */
  downloadStartedAt: number | null;
  /** It became ready while the page was open, and its file was not downloaded since. */
  arrived: boolean;
  /** A cancellation was requested, and the server has not confirmed it. */
  cancelling: boolean;
  /** The export was deleted, here or elsewhere. */
  gone: boolean;
}

export function startPolling(document: ExportDocument): PollingState {
  return {
    document,
    etag: null,
    retryAfter: null,
    unchanged: 0,
    rate: null,
    seenAt: Date.now(),
    overdueAt: overdueAt(document),
    downloadStartedAt: rememberedDownloadAt(document),
    arrived: false,
    cancelling: false,
    gone: false,
  };
}

export function updateFromDocument(before: PollingState, document: ExportDocument): PollingState {
  const seenAt = Date.now();
  const rows = document.progress.rows - before.document.progress.rows;
  const hasProgress = rows !== 0;
  const active = isActive(document);
  return {
    ...before,
    document,
    unchanged: 0,
    rate: active && hasProgress ? smoothedRate(before, rows, seenAt) : active ? before.rate : null,
    seenAt: hasProgress ? seenAt : before.seenAt,
    overdueAt: document.status === 'queued' ? (before.overdueAt ?? overdueAt(document)) : null,
    arrived: document.status === 'ready' && (before.arrived || isActive(before.document)),
    cancelling: before.cancelling && active,
  };
}

/** Estimates are rounded to seconds, so a short one gets some seconds more. */
const slackMs = 10_000;

function overdueAt({ status, progress: { etaSeconds } }: ExportDocument): number | null {
  return status === 'queued' && etaSeconds !== null
    ? Date.now() + 2_000 * etaSeconds + slackMs
    : null;
}

export function updateFromAnswer(before: PollingState, answer: ExportAnswer): PollingState {
  const { document, etag, retryAfter } = answer;
  return document === null
    ? { ...before, retryAfter, unchanged: before.unchanged + 1 }
    : { ...updateFromDocument(before, document), etag, retryAfter };
}

function smoothedRate(before: PollingState, rows: number, now: number): number | null {
  const seconds = (now - before.seenAt) / 1_000;
  // A new run starts at 0 rows, and two answers within 0.5 s are too close to measure a rate.
  if (rows < 0 || seconds < 0.5) return before.rate;
  const current = rows / seconds;
  return before.rate === null ? current : (before.rate + current) / 2;
}

const hourMs = 3_600_000;

/** Another program may acknowledge the download; the page itself does not know when it has ended. */
const downloadPollMs = 30_000;

/** Returns the milliseconds until the next poll; false if the export does not change by itself. */
export function nextPoll(tracked: PollingState | undefined): number | false {
  if (!tracked || tracked.gone) return false;
  const { document, retryAfter, unchanged } = tracked;
  if (isActive(document))
    return retryAfter !== null && retryAfter > 0
      ? retryAfter * 1_000
      : Math.min(30_000, 2_000 * 1.5 ** unchanged);
  if (awaitsDownload(tracked)) return downloadPollMs;
  if (document.status !== 'ready' || document.expiresAt === null) return false;
  const untilExpiry = Date.parse(document.expiresAt) - Date.now();
  return untilExpiry < hourMs ? Math.max(5_000, untilExpiry + 1_000) : false;
}

const awaitsDownload = ({ document, downloadStartedAt }: PollingState): boolean =>
  downloadStartedAt !== null &&
  document.downloadedAt === null &&
  document.status === 'ready' &&
  Date.now() - downloadStartedAt < hourMs;
