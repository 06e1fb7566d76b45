import {
  type ExportRejected,
  type ExportResult,
  type Outcome,
  withoutValues,
} from '../contracts/events.ts';
import type { ExportDocument } from '../contracts/export-document.ts';
import type { ExportRequest } from '../contracts/export-request.ts';
import { shortEvent } from '../contracts/short-event.ts';
import { sizes } from '../contracts/sizes.ts';
import { cloudEvent } from '../messaging/cloud-event.ts';
import { enqueue } from '../messaging/outbox.ts';
import { topics } from '../messaging/topics.ts';
import type { Queryable } from '../runtime/catalogue.ts';
import { config } from '../runtime/config.ts';
import type { Refusal } from '../runtime/errors.ts';
import { loadExport, toDocument } from './documents.ts';

/** The link that events carry: it works with the owner's key or session, for nobody else. */
const downloadUrlOf = (exportId: string): string =>
  `${config().url}/api/v1/exports/${exportId}/file`;

/** Publishes what became of an export, in the transaction in which it became so. */
export async function emitOutcome(
  client: Queryable,
  exportId: string,
  outcome: Outcome,
): Promise<void> {
  const record = await loadExport(client, exportId);
  const document = toDocument(record);
  const event: ExportResult = cloudEvent(`streamsync.export.${outcome}.v1` as const, exportId, {
    ...document,
    request: requestWithoutValues(document.request),
    requestId: record.request_event_id,
    downloadUrl: downloadUrlOf(exportId),
    message: sentence(outcome, document),
  });
  await publish(client, exportId, event);
}

/** Answers an event that asked for something we refuse. */
export async function emitRejected(
  client: Queryable,
  requestId: string,
  refusal: Refusal,
): Promise<void> {
  const event: ExportRejected = cloudEvent('streamsync.export.rejected.v1', requestId, {
    requestId,
    message: `The export was not accepted: ${refusal.message}`,
    problem: refusal.toProblem(requestId),
  });
  await publish(client, requestId, event);
}

function requestWithoutValues({ where, ...rest }: ExportRequest): ExportResult['data']['request'] {
  return { ...rest, ...(where === undefined ? {} : { where: withoutValues(where) }) };
}

/** What is larger than a request may be is published in its short form, so that it fits everywhere. */
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

function sentence(outcome: Outcome, { request, file, error }: ExportDocument): string {
  const what = `${request.dataset} of ${request.sources.join(', ')}`;
  switch (outcome) {
    case 'accepted':
      return `The export of ${what} was accepted.`;
    case 'completed':
      return `The export of ${what} is ready: ${file?.rows ?? 0} rows, ${file?.bytes ?? 0} bytes.`;
    case 'failed':
      return `The export of ${what} failed: ${error?.message ?? ''} No file was made.`;
    case 'cancelled':
      return `The export of ${what} was cancelled.`;
    case 'expired':
      return `The export of ${what} has expired; its file is deleted.`;
    case 'downloaded':
      return `The export of ${what} was downloaded.`;
    default:
      return outcome satisfies never;
  }
}
