import { z } from 'zod';
import type { Account } from '../../access/accounts.ts';
import { recordAudit } from '../../audit/record-audit.ts';
import { withRequestAudit } from '../../audit/request-audit.ts';
import {
  type ExportRequested,
  exportRequestedSchema,
  requestedBySchema,
} from '../../contracts/events.ts';
import { type ExportRequest, exportRequestSchema } from '../../contracts/export-request.ts';
import { sizes } from '../../contracts/sizes.ts';
import { attributesOf, isBinary } from '../../messaging/binary-event.ts';
import type { Header } from '../../messaging/message-headers.ts';
import { catalogue, transaction } from '../../runtime/catalogue.ts';
import { AppError } from '../../runtime/errors.ts';
import { readJson } from '../../runtime/json-input.ts';
import { backoffMs, sleep } from '../../runtime/retry.ts';
import { parseJson, parseObject } from '../../runtime/validation.ts';
import { createExport } from '../lifecycle/create.ts';
import { type Sender, senderOf } from './event-sender.ts';
import {
  findPreviousResult,
  type IdempotencyKey,
  idempotencyKeyFor,
  storeIdempotencyKey,
} from './idempotency.ts';
import { publishRejection } from './result-events.ts';

/** Returns the event of a record in binary or structured mode. Throws an `AppError` if the record is no valid event. */
export function readExportRequested(text: string, headers: readonly Header[]): ExportRequested {
  if (!isBinary(headers)) return parseJson(exportRequestedSchema, text);
  const data = text === '' ? {} : { data: readJson(text, sizes.requestBytes) };
  return parseObject(exportRequestedSchema, { ...attributesOf(headers), ...data });
}

/**
 * Creates the export that an event requests, or publishes `rejected`. Throws only errors that are not the fault of the
 * event: the catalogue is unavailable, or the code has a bug.
 */
export async function acceptExportRequest(
  event: ExportRequested,
  remainingMs: number,
): Promise<void> {
  const sender = await senderOf(event);
  // Source and id of the event are the idempotency key, so a redelivery is answered once.
  const key = idempotencyKeyFor(sender.idempotencyScope, event.id, event.data);
  try {
    if (await findPreviousResult(catalogue(), key)) return;
    const newExport = {
      ...readRequest(event, sender),
      idempotencyKey: key,
      requestEventId: event.id,
    };
    const audit = {
      actor: newExport.owner,
      action: 'event.accept',
      target: null,
      address: null,
      details: { eventId: event.id, eventSource: event.source },
      recorded: false,
    } as const;
    await withRequestAudit({ ...audit }, () =>
      retryWhileUnavailable(remainingMs, () => createExport(newExport)),
    );
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    await reject(event, key, error);
  }
}

/**
 * Repeats `create` while a source is unavailable, as when it restarts. Stops after a quarter of the invocation's time,
 * so that requests for other sources do not wait longer.
 */
async function retryWhileUnavailable<T>(remainingMs: number, create: () => Promise<T>): Promise<T> {
  const end = performance.now() + remainingMs / 4;
  for (let retries = 0; ; retries++) {
    try {
      return await create();
    } catch (error) {
      const isUnavailable = error instanceof AppError && error.code === 'source_unavailable';
      const delayMs = backoffMs(retries, { firstMs: 500, maxMs: remainingMs });
      if (!isUnavailable || performance.now() + delayMs > end) throw error;
      await sleep(delayMs);
    }
  }
}

const requestDataSchema = z.looseObject({ requestedBy: z.unknown() });

function readRequest(
  { data }: ExportRequested,
  { owner }: Sender,
): { owner: Account; request: ExportRequest } {
  const { requestedBy: _, ...rest } = parseObject(requestDataSchema, data);
  return { owner: owner(), request: parseObject(exportRequestSchema, rest) };
}

/**
 * Publishes `rejected` for an event that is larger than a request may be. Returns false if the event has no readable
 * envelope. The signature is not verified, so the id counts as that of an unsigned event.
 */
export async function rejectTooLarge(
  text: string,
  headers: readonly Header[],
  error: AppError,
): Promise<boolean> {
  const event = envelopeOf(text, headers);
  if (!event) return false;
  await reject(event, idempotencyKeyFor(`event:${event.source}`, event.id, null), error);
  return true;
}

const envelopeSchema = z.object(exportRequestedSchema.omit({ data: true }).shape);

function envelopeOf(text: string, headers: readonly Header[]): ExportRequested | undefined {
  try {
    const attributes = isBinary(headers)
      ? attributesOf(headers)
      : readJson(text, sizes.answeredBytes);
    const { data: envelope } = envelopeSchema.safeParse(attributes);
    return envelope && parseObject(exportRequestedSchema, envelope);
  } catch (error) {
    if (error instanceof AppError) return undefined;
    throw error;
  }
}

async function reject(event: ExportRequested, key: IdempotencyKey, error: AppError): Promise<void> {
  await transaction(async (client) => {
    // After a conflict the key stays with the request that used it first.
    if (error.code !== 'idempotency_conflict' && !(await storeIdempotencyKey(client, key, null)))
      return;
    await publishRejection(client, event.id, error);
    const { data: claimed } = requestedBySchema.safeParse(requesterIn(event.data));
    await recordAudit(
      client,
      {
        // Nothing proves who sent it, so the account that it names is a detail.
        actor: 'events',
        action: 'event.reject',
        target: event.id,
        exportId: null,
        outcome: 'refused',
        details: {
          eventSource: event.source,
          code: error.code,
          ...(claimed === undefined ? {} : { requestedBy: claimed }),
        },
      },
      null,
    );
  });
}

const requesterIn = (data: unknown): unknown =>
  typeof data === 'object' && data !== null && 'requestedBy' in data ? data.requestedBy : undefined;
