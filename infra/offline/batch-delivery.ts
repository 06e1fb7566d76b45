/**
 * Delivers a batch to the function until each of its records is processed or given up, by the error controls of AWS:
 * https://docs.aws.amazon.com/lambda/latest/dg/kafka-retry-configurations.html
 *
 * - A batch that fails is invoked again with the same records, those of all its partitions; with
 *   `BisectBatchOnFunctionError` each half separately, in order, which does not count as a retry.
 * - With `ReportBatchItemFailures` only the records are invoked again that the function reports.
 * - Records are given up after `MaximumRetryAttempts`, before an invocation for which they are too old, and if no
 *   payload can have them (unless `deliverLargeRecords` is set). They go to the on-failure destination.
 */
import { randomUUID } from 'node:crypto';
import { type Entry, isTooLarge } from './batch.ts';
import { reportedEntries } from './batch-response.ts';
import type { FailureDestinations } from './destinations.ts';
import { type KafkaEvent, kafkaEvent, placesOf } from './event.ts';
import type { Failure, FailureCondition } from './failure-record.ts';
import type { InvocationResult } from './instance.ts';
import type { Log } from './log.ts';
import type { MappingSettings } from './mapping-settings.ts';
import { backoffMs, sleep } from './retry.ts';

const retryDelays = { firstMs: 500, maxMs: 10_000 };

export interface DeliveryTarget {
  mapping: MappingSettings;
  destinations: Pick<FailureDestinations, 'send'>;
  log: Log;
  /** Invokes the function; throws if the signal aborts. */
  invoke(event: KafkaEvent, requestId: string, signal: AbortSignal): Promise<InvocationResult>;
}

/** Records that are invoked together, and what happened to them so far. */
interface Share {
  entries: readonly Entry[];
  retries: number;
  invocations: number;
  last: Failure['invocation'];
}

/** Throws the reason of the signal if it aborts. */
export async function deliverBatch(
  target: DeliveryTarget,
  batch: readonly Entry[],
  signal: AbortSignal,
): Promise<void> {
  const [only] = batch;
  const whole: Share = { entries: batch, retries: 0, invocations: 0, last: undefined };
  const isLarge = only !== undefined && batch.length === 1 && isTooLarge(only);
  if (isLarge && !target.mapping.deliversLargeRecords)
    return giveUp(target, whole, 'MaximumPayloadSizeExceeded', signal);
  const waiting = [whole];
  for (let share = waiting.shift(); share !== undefined; share = waiting.shift())
    waiting.unshift(...(await invokeShare(target, share, signal)));
}

/** Invokes the function with a share, and returns what is left of it to be invoked. */
async function invokeShare(
  target: DeliveryTarget,
  before: Share,
  signal: AbortSignal,
): Promise<Share[]> {
  const { mapping, log } = target;
  const entries = await giveUpOld(target, before, signal);
  if (entries.length === 0) return [];

  const requestId = randomUUID();
  const event = kafkaEvent(
    mapping,
    entries.map(({ record }) => record),
  );
  const result = await target.invoke(event, requestId, signal);
  const failed = failedEntries(target, entries, result);
  if (failed.length === 0) return [];

  const share: Share = {
    entries: failed,
    retries: before.retries,
    invocations: before.invocations + 1,
    last: { requestId, hasThrown: !result.done },
  };
  const places = placesOf(failed.map(({ record }) => record));
  const what = `${mapping.functionKey}: ${places} (${failed.length} records) failed: ${result.done ? 'reported by the function' : result.reason}`;
  const halves = mapping.bisects && failed.length === entries.length ? bisected(share) : [];
  if (halves.length === 0 && share.retries >= mapping.maxRetries) {
    log.warning(what);
    await giveUp(target, share, 'RetryAttemptsExhausted', signal);
    return [];
  }
  const wait = backoffMs(before.invocations, retryDelays);
  log.warning(`${what}; retry in ${Math.round(wait)} ms`);
  await sleep(wait, signal);
  return halves.length > 0 ? halves : [{ ...share, retries: share.retries + 1 }];
}

function failedEntries(
  { mapping }: DeliveryTarget,
  entries: readonly Entry[],
  result: InvocationResult,
): readonly Entry[] {
  if (!result.done) return entries;
  if (!mapping.reportsFailures) return [];
  return reportedEntries(result.response, entries) ?? entries;
}

/** Returns the halves of a share, none of a single record. */
function bisected(share: Share): Share[] {
  const { entries } = share;
  if (entries.length < 2) return [];
  const middle = Math.ceil(entries.length / 2);
  return [entries.slice(0, middle), entries.slice(middle)].map((half) => ({
    ...share,
    entries: half,
  }));
}

/** Gives up the records that are older than the mapping allows, and returns the others. */
async function giveUpOld(
  target: DeliveryTarget,
  share: Share,
  signal: AbortSignal,
): Promise<readonly Entry[]> {
  const oldest = Date.now() - target.mapping.maxAgeMs;
  const isOld = ({ record }: Entry): boolean => record.timestamp < oldest;
  const old = share.entries.filter(isOld);
  if (old.length === 0) return share.entries;
  await giveUp(target, { ...share, entries: old }, 'RecordAgeExceeded', signal);
  return share.entries.filter((entry) => !isOld(entry));
}

async function giveUp(
  { mapping, destinations }: DeliveryTarget,
  { entries, invocations, last }: Share,
  condition: FailureCondition,
  signal: AbortSignal,
): Promise<void> {
  const records = entries.map(({ record }) => record);
  const failure = { condition, records, invocation: last, invocations, at: new Date() };
  await destinations.send(mapping, failure, signal);
}
