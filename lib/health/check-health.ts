import { setTimeout } from 'node:timers/promises';
import type { Health } from '../contracts/health.ts';
import { measureConsumers } from '../messaging/consumers.ts';
import { topics } from '../messaging/topics.ts';
import { forLog, Refusal } from '../runtime/errors.ts';
import { logger } from '../runtime/logger.ts';
import { shareFor } from '../runtime/shared.ts';
import { checkStorage } from '../storage/s3.ts';
import { findProblems } from './find-problems.ts';
import { measureCatalogue, pingCatalogue } from './measure-catalogue.ts';
import { thresholds } from './thresholds.ts';

const patienceMilliseconds = 3_000;
/** Thousands who ask at once cost one answer. */
const keptMilliseconds = 2_000;

type Asked<T> = { value: T } | { error: unknown };

/**
 * Returns how the whole is: `degraded` where requests are answered and something stands still or is away. Throws
 * `unavailable` where nothing works, which is without the catalogue alone: without Kafka exports are accepted and
 * wait, without the object storage too, and all else is answered.
 */
export const checkHealth = shareFor(keptMilliseconds, async (): Promise<Health> => {
  const [catalogue, measures, kafka, storage] = await Promise.all([
    inTime(pingCatalogue()),
    inTime(measureCatalogue()),
    inTime(measureOurConsumers()),
    inTime(checkStorage()),
  ]);
  logErrors({ catalogue, measures, kafka, storage });
  if ('error' in catalogue) throw new Refusal('unavailable', 'Not answering: catalogue.');
  const problems = findProblems({
    kafkaIsDown: 'error' in kafka,
    storageIsDown: 'error' in storage,
    catalogue: 'error' in measures ? undefined : measures.value,
    consumers: 'error' in kafka ? undefined : kafka.value,
  });
  const parts: Health['parts'] = {
    catalogue: { status: 'ok' },
    kafka: { status: 'error' in kafka ? 'down' : 'ok' },
    storage: { status: 'error' in storage ? 'down' : 'ok' },
  };
  return problems.length === 0 ? { status: 'ok', parts } : { status: 'degraded', parts, problems };
});

/** How far our consumers are behind, by the thresholds. Throws if Kafka does not answer. */
export const measureOurConsumers = () =>
  measureConsumers({
    [topics.requested.name]: thresholds.requestSeconds,
    [topics.work.name]: thresholds.workSeconds,
  });

function logErrors(asked: Record<string, Asked<unknown>>): void {
  for (const [what, answer] of Object.entries(asked))
    if ('error' in answer)
      logger.error('health: no answer', { about: what, error: forLog(answer.error) });
}

async function inTime<T>(answer: Promise<T>): Promise<Asked<T>> {
  const patience = new AbortController();
  const late = setTimeout(patienceMilliseconds, undefined, { signal: patience.signal }).then(() => {
    throw new Error(`no answer within ${patienceMilliseconds} ms`);
  });
  try {
    return { value: await Promise.race([answer, late]) };
  } catch (error) {
    return { error };
  } finally {
    patience.abort();
    late.catch(() => undefined);
  }
}
