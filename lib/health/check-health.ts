import type { Health } from '../contracts/health.ts';
import { AppError, serializeError } from '../runtime/errors.ts';
import { logger } from '../runtime/logger.ts';
import { singleFlight } from '../runtime/single-flight.ts';
import { withTimeout } from '../runtime/timeout.ts';
import { checkStorage } from '../storage/s3.ts';
import { findProblems } from './find-problems.ts';
import { measureCatalogue, pingCatalogue } from './measure-catalogue.ts';
import { measureOurConsumers } from './our-consumers.ts';

const timeoutMs = 3_000;
/** Callers within this time share one answer. */
const cacheMs = 2_000;

type Probed<T> = { value: T } | { error: unknown };

/**
 * Returns the health of the system: `degraded` if requests are answered but something is down or stalled. Throws
 * `unavailable` if the catalogue is down. Without Kafka or the object storage exports are still accepted; they wait.
 */
export const checkHealth = singleFlight(cacheMs, async (): Promise<Health> => {
  const [catalogue, measures, kafka, storage] = await Promise.all([
    probe(pingCatalogue()),
    probe(measureCatalogue()),
    probe(measureOurConsumers()),
    probe(checkStorage()),
  ]);
  logErrors({ catalogue, measures, kafka, storage });
  if ('error' in catalogue) throw new AppError('unavailable', 'The catalogue does not answer.');
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

function logErrors(probes: Record<string, Probed<unknown>>): void {
  for (const [component, answer] of Object.entries(probes))
    if ('error' in answer)
      logger.error('health probe failed', { component, error: serializeError(answer.error) });
}

async function probe<T>(answer: Promise<T>): Promise<Probed<T>> {
  try {
    return { value: await withTimeout(answer, timeoutMs) };
  } catch (error) {
    return { error };
  }
}
