import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import { type Account, accountByEmail } from '../access/accounts.ts';
import { type ExportRequested, requestedBySchema } from '../contracts/events.ts';
import { type ExportRequest, exportRequestSchema } from '../contracts/export-request.ts';
import { catalogue, transaction } from '../runtime/catalogue.ts';
import { Refusal, refusedFields } from '../runtime/errors.ts';
import { parseObject } from '../runtime/validation.ts';
import { createExport } from './create.ts';
import { type Asking, asking, earlierAnswer, remember } from './idempotency.ts';
import { emitRejected } from './outcomes.ts';

/**
 * An export asked for by event. What is refused is answered with `rejected`. Throws what it cannot answer:
 * the catalogue is away, or it is a mistake of ours.
 */
export async function acceptExportRequest(
  event: ExportRequested,
  remainingMilliseconds: number,
): Promise<void> {
  // Source and id of the event are the key, whatever is asked: a redelivery is answered once.
  const asked = asking(`event:${event.source}`, event.id, event.data);
  try {
    if (await earlierAnswer(catalogue(), asked)) return;
    const wanted = { ...(await readRequest(event)), asking: asked, requestEventId: event.id };
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

async function readRequest({ data }: ExportRequested): Promise<{
  owner: Account;
  request: ExportRequest;
}> {
  const { requestedBy, ...rest } = parseObject(requestDataSchema, data);
  const request = parseObject(exportRequestSchema, rest);
  const email = requestedBySchema.safeParse(requestedBy);
  const owner = email.success ? await accountByEmail(catalogue(), email.data) : undefined;
  if (!owner?.mayRequestByEvent)
    throw refusedFields([
      { field: 'requestedBy', message: 'must be the email of an account that may ask by event' },
    ]);
  return { owner, request };
}

async function reject(event: ExportRequested, asked: Asking, refusal: Refusal): Promise<void> {
  await transaction(async (client) => {
    // A conflict is about the key, which stays with the request that had it first.
    if (refusal.code !== 'idempotency_conflict' && !(await remember(client, asked, null))) return;
    await emitRejected(client, event.id, refusal);
  });
}
