import type { ExportDocument, Manifest } from '../contracts/export-document.ts';
import { AppError } from '../runtime/errors.ts';
import type { ExportRecord } from './export-record.ts';
import { publicStatus } from './lifecycle/states.ts';

function iso(date: Date | null): string | null {
  return date?.toISOString() ?? null;
}

/** Returns an export as its owner sees it. */
export function toDocument(record: ExportRecord): ExportDocument {
  return {
    id: record.id,
    status: publicStatus(record.state),
    request: record.request,
    owner: record.owner_email,
    progress: {
      rows: record.progress_rows,
      bytes: record.progress_bytes,
      estimatedRows: record.estimated_rows,
      queuePosition: record.queue_position,
      etaSeconds: etaSeconds(record),
      waiting: waiting(record),
    },
    file: record.file,
    error:
      record.error_code === null
        ? null
        : { code: record.error_code, message: record.error_message ?? '' },
    createdAt: record.created_at.toISOString(),
    startedAt: iso(record.started_at),
    finishedAt: iso(record.finished_at),
    expiresAt: iso(record.expires_at),
    downloadedAt: iso(record.downloaded_at),
  };
}

/**
 * Returns the seconds until the export is ready. Running: the remaining rows at the rate so far. Queued: the time in
 * which all slots do the work before it, plus its own estimate. Null if there is no estimate, if the export is far from
 * the head of the queue, or if its source is paused.
 */
function etaSeconds(record: ExportRecord): number | null {
  const { estimated_rows, estimated_seconds, progress_rows, slots, units_total } = record;
  if (record.pause_reason !== null) return null;
  switch (publicStatus(record.state)) {
    case 'running': {
      if (!record.reading_since || estimated_rows === null || progress_rows === 0) return null;
      const elapsed = (record.now.getTime() - record.reading_since.getTime()) / 1_000;
      const rowsLeft = Math.max(0, estimated_rows - progress_rows);
      return Math.ceil((rowsLeft / progress_rows) * elapsed);
    }
    case 'queued': {
      if (estimated_seconds === null || record.seconds_before === null) return null;
      return Math.ceil(
        record.seconds_before / slots + estimated_seconds / Math.min(slots, units_total),
      );
    }
    default:
      return null;
  }
}

/** Returns why the export waits, if it is for another reason than its place in the queue. */
function waiting({ paused_source, pause_reason, last_failure }: ExportRecord): string | null {
  if (pause_reason !== null)
    return `${paused_source} is paused by your administrator: ${pause_reason}`;
  return last_failure === null
    ? null
    : `${last_failure.message} It will be tried again automatically.`;
}

/** Returns an export that has a file. Throws `expired` (410) if it has expired, else `not_ready` (409). */
export function requireReady(record: ExportRecord): ExportRecord & {
  file: NonNullable<ExportRecord['file']>;
  manifest: Manifest;
  object_key: string;
} {
  const { state, file, manifest, object_key } = record;
  if (state === 'expired')
    throw new AppError(
      'expired',
      'The export has expired and its file is deleted. Run the export again.',
    );
  if (state !== 'ready' || !file || !manifest || object_key === null)
    throw new AppError('not_ready', `The export is ${publicStatus(state)} and has no file.`);
  return { ...record, file, manifest, object_key };
}
