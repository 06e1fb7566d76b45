import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import type { Account } from '../access/accounts.ts';
import { type ExportRequested, exportRequestedSchema } from '../contracts/events.ts';
import { type ExportRequest, exportRequestSchema } from '../contracts/export-request.ts';
import { sizes } from '../contracts/sizes.ts';
import { attributesOf, isBinary } from '../messaging/binary-event.ts';
import type { Header } from '../messaging/header.ts';
import { catalogue, transaction } from '../runtime/catalogue.ts';
import { Refusal } from '../runtime/errors.ts';
import { readJson } from '../runtime/json-input.ts';
import { parseJson, parseObject } from '../runtime/validation.ts';
import { createExport } from './create.ts';
import { type Sender, senderOf } from './event-sender.ts';
import { type Asking, asking, earlierAnswer, remember } from './idempotency.ts';
import { emitRejected } from './outcomes.ts';

/** Reads an event in either mode: both give the same event. Throws a refusal if it is none. */
export function readExportRequested(text: string, headers: readonly Header[]): ExportRequested {
  if (!isBinary(headers)) return parseJson(exportRequestedSchema, text);
  const data = text === '' ? {} : { data: readJson(text, sizes.requestBytes) };
  return parseObject(exportRequestedSchema, { ...attributesOf(headers), ...data });
}

/**
 * An export asked for by event. What is refused is answered with `rejected`. Throws what it cannot answer:
 * the catalogue is away, or it is a mistake of ours.
 */
export async function acceptExportRequest(
  event: ExportRequested,
  remainingMilliseconds: number,
): Promise<void> {
  const sender = await senderOf(event);
  // Source and id of the event are the key, whatever is asked: a redelivery is answered once.
  const asked = asking(sender.idempotencyScope, event.id, event.data);
  try {
    if (await earlierAnswer(catalogue(), asked)) return;
    const wanted = { ...readRequest(event, sender), asking: asked, requestEventId: event.id };
    await patiently(remainingMilliseconds, () => createExport(wanted));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    await reject(event, asked, error);
  }
}

/**
 * A source that restarts is waited for; one that stays away must not hold up those who ask for others,
 * so the wait ends when a quarter of the invocation's time is gone.
 */
async function patiently<T>(remainingMilliseconds: number, make: () => Promise<T>): Promise<T> {
  const end = performance.now() + remainingMilliseconds / 4;
  for (let wait = 500; ; wait *= 2) {
    try {
      return await make();
    } catch (error) {
      const away = error instanceof Refusal && error.code === 'source_unavailable';
      if (!away || performance.now() + wait > end) throw error;
      await setTimeout(wait);
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
 * Answers an event that is larger than a request may be with `rejected`, and returns true if it says which it is.
 * Nothing else of it is looked at, a signature neither: the id is one of unsigned events.
 */
export async function rejectTooLarge(
  text: string,
  headers: readonly Header[],
  refusal: Refusal,
): Promise<boolean> {
  const event = envelopeOf(text, headers);
  if (!event) return false;
  await reject(event, asking(`event:${event.source}`, event.id, null), refusal);
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
    if (error instanceof Refusal) return undefined;
    throw error;
  }
}

async function reject(event: ExportRequested, asked: Asking, refusal: Refusal): Promise<void> {
  await transaction(async (client) => {
    // A conflict is about the key, which stays with the request that had it first.
    if (refusal.code !== 'idempotency_conflict' && !(await remember(client, asked, null))) return;
    await emitRejected(client, event.id, refusal);
  });
}
