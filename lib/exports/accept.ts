import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import type { Account } from '../access/accounts.ts';
import { type ExportRequested, exportRequestedSchema } from '../contracts/events.ts';
import { type ExportRequest, exportRequestSchema } from '../contracts/export-request.ts';
import { sendToDeadLetters } from '../messaging/dead-letters.ts';
import { topics } from '../messaging/topics.ts';
import { catalogue, transaction } from '../runtime/catalogue.ts';
import { codeOf, forLog, messageOf, Refusal } from '../runtime/errors.ts';
import type { IncomingRecord } from '../runtime/kafka-function.ts';
import { logger } from '../runtime/logger.ts';
import { parseJson, parseObject } from '../runtime/validation.ts';
import { createExport } from './create.ts';
import { type Sender, senderOf } from './event-sender.ts';
import { type Asking, asking, earlierAnswer, remember } from './idempotency.ts';
import { emitRejected } from './outcomes.ts';

/**
 * An export asked for by event. What is no event of ours goes to the dead letters with its bytes; what
 * is one and is refused is answered with `rejected`; the next one is served either way. Throws only
 * for what another delivery can mend.
 */
export async function acceptExportRequest(
  record: IncomingRecord,
  remainingMilliseconds: number,
): Promise<void> {
  let event: ExportRequested;
  try {
    event = parseJson(exportRequestedSchema, record.value?.toString() ?? '');
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    await sendToDeadLetters(record, topics.requestedDeadLetters.name, error.message);
    return;
  }
  const sender = await senderOf(event);
  // Source and id of the event are the key, whatever is asked: a redelivery is answered once.
  const asked = asking(sender.idempotencyScope, event.id, event.data);
  try {
    if (await earlierAnswer(catalogue(), asked)) return;
    const wanted = { ...readRequest(event, sender), asking: asked, requestEventId: event.id };
    await patiently(remainingMilliseconds, () => createExport(wanted));
  } catch (error) {
    if (error instanceof Refusal) return reject(event, asked, error);
    if (!isLasting(error)) throw error;
    // Another delivery would fail in the same way, and hold up all behind it.
    logger.error('request by event put aside', { eventId: event.id, error: forLog(error) });
    await sendToDeadLetters(record, topics.requestedDeadLetters.name, messageOf(error));
  }
}

/** A mistake of ours, or a value that the catalogue cannot take: trying again does not mend it. */
const isLasting = (error: unknown): boolean =>
  error instanceof TypeError ||
  error instanceof RangeError ||
  /^(22|23|54)/.test(codeOf(error) ?? '');

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

async function reject(event: ExportRequested, asked: Asking, refusal: Refusal): Promise<void> {
  await transaction(async (client) => {
    // A conflict is about the key, which stays with the request that had it first.
    if (refusal.code !== 'idempotency_conflict' && !(await remember(client, asked, null))) return;
    await emitRejected(client, event.id, refusal);
  });
}
