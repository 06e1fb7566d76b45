import type { ExportDocument } from '../../lib/contracts/export-document.ts';
import type { ExportAnswer } from '../api/calls.ts';

/** An export as the page knows it, and what decides when to ask about it again. */
export interface Tracked {
  document: ExportDocument;
  etag: string | null;
  retryAfter: number | null;
  /** Answers in a row that brought nothing new. */
  unchanged: number;
  /** Rows a second between the last two answers that differed; null before there are two. */
  rate: number | null;
  /** When the rows of `document` were seen first, in ms of the page's clock. */
  seenAt: number;
  /** A download was started here; its end is waited for. */
  downloadStartedAt: number | null;
  /** The server was asked to cancel it and has not said that it is. */
  cancelling: boolean;
  /** Deleted, here or elsewhere. */
  gone: boolean;
}

export function track(document: ExportDocument): Tracked {
  return {
    document,
    etag: null,
    retryAfter: null,
    unchanged: 0,
    rate: null,
    seenAt: Date.now(),
    downloadStartedAt: null,
    cancelling: false,
    gone: false,
  };
}

export function withDocument(before: Tracked, document: ExportDocument): Tracked {
  const seenAt = Date.now();
  const rows = document.progress.rows - before.document.progress.rows;
  const moved = rows !== 0;
  const active = isActive(document);
  return {
    ...before,
    document,
    unchanged: 0,
    rate: active && moved ? smoothed(before, rows, seenAt) : active ? before.rate : null,
    seenAt: moved ? seenAt : before.seenAt,
    cancelling: before.cancelling && active,
  };
}

export function withAnswer(before: Tracked, answer: ExportAnswer): Tracked {
  const { document, etag, retryAfter } = answer;
  return document === null
    ? { ...before, retryAfter, unchanged: before.unchanged + 1 }
    : { ...withDocument(before, document), etag, retryAfter };
}

function smoothed(before: Tracked, rows: number, now: number): number | null {
  const seconds = (now - before.seenAt) / 1_000;
  // A new run starts from zero again, and two answers at once tell nothing about speed.
  if (rows < 0 || seconds < 0.5) return before.rate;
  const current = rows / seconds;
  return before.rate === null ? current : (before.rate + current) / 2;
}

export const isActive = ({ status }: ExportDocument): boolean =>
  status === 'queued' || status === 'running';

const hourMs = 3_600_000;

/** Milliseconds until the export is worth another question; false: it will not change by itself. */
export function nextPoll(tracked: Tracked | undefined): number | false {
  if (!tracked || tracked.gone) return false;
  const { document, retryAfter, unchanged } = tracked;
  if (isActive(document) || awaitsDownload(tracked))
    return retryAfter !== null && retryAfter > 0
      ? retryAfter * 1_000
      : Math.min(30_000, 2_000 * 1.5 ** unchanged);
  if (document.status !== 'ready' || document.expiresAt === null) return false;
  const untilExpiry = Date.parse(document.expiresAt) - Date.now();
  return untilExpiry < hourMs ? Math.max(5_000, untilExpiry + 1_000) : false;
}

const awaitsDownload = ({ document, downloadStartedAt }: Tracked): boolean =>
  downloadStartedAt !== null &&
  document.downloadedAt === null &&
  document.status === 'ready' &&
  Date.now() - downloadStartedAt < hourMs;
