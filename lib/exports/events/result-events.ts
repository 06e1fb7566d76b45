import {
  type ExportOutcome,
  type ExportRejected,
  type ExportResult,
  withoutValues,
} from '../../contracts/events.ts';
import type { ExportDocument } from '../../contracts/export-document.ts';
import type { ExportRequest } from '../../contracts/export-request.ts';
import { shortEvent } from '../../contracts/short-event.ts';
import { sizes } from '../../contracts/sizes.ts';
import { cloudEvent } from '../../messaging/cloud-event.ts';
import { enqueue } from '../../messaging/outbox.ts';
import { topics } from '../../messaging/topics.ts';
import type { Queryable } from '../../runtime/catalogue.ts';
import { config } from '../../runtime/config.ts';
import type { AppError } from '../../runtime/errors.ts';
import { type Metric, printMetrics } from '../../runtime/metrics.ts';
import { toDocument } from '../export-document.ts';
import { loadExport } from '../export-record.ts';

/** Returns the link in events. It works only with a key or session of the owner. */
function downloadUrlOf(exportId: string): string {
  return `${config().url}/api/v1/exports/${exportId}/file`;
}

/** The metric that counts each outcome. */
const metricNames = {
  accepted: 'exportsAccepted',
  completed: 'exportsCompleted',
  failed: 'exportsFailed',
  cancelled: 'exportsCancelled',
  expired: 'exportsExpired',
  downloaded: 'exportsDownloaded',
} satisfies Record<ExportOutcome, string>;

/** Publishes the result of an export and counts it, in the transaction that records the result. */
export async function publishResult(
  client: Queryable,
  exportId: string,
  outcome: ExportOutcome,
): Promise<void> {
  const record = await loadExport(client, exportId);
  const document = toDocument(record);
  const event: ExportResult = cloudEvent(`streamsync.export.${outcome}.v1` as const, exportId, {
    ...document,
    request: requestWithoutValues(document.request),
    requestId: record.request_event_id,
    downloadUrl: downloadUrlOf(exportId),
    message: messageOf(outcome, document),
  });
  await publish(client, exportId, event);
  printMetrics({}, measuresOf(outcome, document));
}

/** A transaction that is rolled back afterwards is counted too: metrics are for watching, not for accounting. */
function measuresOf(outcome: ExportOutcome, document: ExportDocument): Record<string, Metric> {
  const { createdAt, finishedAt, file } = document;
  const count: Metric = { unit: 'Count', value: 1 };
  if (outcome !== 'completed' || !file || finishedAt === null)
    return { [metricNames[outcome]]: count };
  return {
    exportsCompleted: count,
    exportRows: { unit: 'Count', value: file.rows },
    exportBytes: { unit: 'Bytes', value: file.bytes },
    exportTime: { unit: 'Milliseconds', value: Date.parse(finishedAt) - Date.parse(createdAt) },
  };
}

/** Publishes that the request of an event was rejected. */
export async function publishRejection(
  client: Queryable,
  requestId: string,
  error: AppError,
): Promise<void> {
  const event: ExportRejected = cloudEvent('streamsync.export.rejected.v1', requestId, {
    requestId,
    message: `The export was not accepted: ${error.message}`,
    problem: error.toProblem(requestId),
  });
  await publish(client, requestId, event);
}

function requestWithoutValues({ where, ...rest }: ExportRequest): ExportResult['data']['request'] {
  return { ...rest, ...(where === undefined ? {} : { where: withoutValues(where) }) };
}

/** Publishes an event, in its short form if it is larger than `sizes.requestBytes`. */
async function publish(client: Queryable, key: string, event: ExportResult | ExportRejected) {
  const json = JSON.stringify(event);
  const fits = Buffer.byteLength(json) <= sizes.requestBytes;
  await enqueue(client, {
    topic: topics.results.name,
    key,
    value: Buffer.from(fits ? json : (shortEvent(json) ?? json)),
    eventId: event.id,
  });
}

function messageOf(outcome: ExportOutcome, { request, file, error }: ExportDocument): string {
  const subject = `The export of ${request.dataset} of ${request.sources.join(', ')}`;
  switch (outcome) {
    case 'accepted':
      return `${subject} was accepted.`;
    case 'completed':
      return `${subject} is ready: ${file?.rows ?? 0} rows, ${file?.bytes ?? 0} bytes.`;
    case 'failed':
      return `${subject} failed: ${error?.message ?? ''} No file was made.`;
    case 'cancelled':
      return `${subject} was cancelled.`;
    case 'expired':
      return `${subject} has expired; its file is deleted.`;
    case 'downloaded':
      return `${subject} was downloaded.`;
    default:
      return outcome satisfies never;
  }
}
