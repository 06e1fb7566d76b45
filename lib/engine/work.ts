import { formatOf } from '../formats/index.ts';
import { relay } from '../messaging/outbox.ts';
import { catalogue, transaction } from '../runtime/catalogue.ts';
import { forLog, messageOf, Refusal } from '../runtime/errors.ts';
import { logger } from '../runtime/logger.ts';
import type { Claim, Delivery, Outcome } from '../scheduling/attempt.ts';
import { claim } from '../scheduling/claim.ts';
import { dispatch } from '../scheduling/dispatch.ts';
import { cancelUnit, failUnit, finishExport, retryUnit } from '../scheduling/end.ts';
import { Cancelled, Fenced, Lease } from '../scheduling/lease.ts';
import { MultipartWriter } from '../storage/multipart.ts';
import { completeObject, findCompleted } from './complete.ts';
import { faultOf, mostRetries, retryAfterSeconds } from './faults.ts';
import { readSnapshot } from './snapshot.ts';

/** A snapshot export is read within this time, or not at all. */
const mostSeconds = 12 * 60;
/** What is kept of an invocation's time for finishing. */
const reserveSeconds = 30;

/**
 * Works on the unit of a delivery, from claim to end. Business failures are recorded, not thrown; a
 * throw means the catalogue is away, and the delivery is to come again.
 */
export async function work(delivery: Delivery, remainingMilliseconds: number): Promise<void> {
  const claimed = await claim(delivery);
  if (!claimed) {
    logger.info('delivery out of date, dropped', { ...delivery });
  } else {
    const ids = {
      exportId: claimed.exportId,
      unitId: claimed.unitId,
      attemptId: claimed.attemptId,
    };
    logger.info('attempt begins', ids);
    await attempt(claimed, remainingMilliseconds);
    logger.info('attempt ended', ids);
  }
  await dispatch();
  await relay();
}

async function attempt(claimed: Claim, remainingMilliseconds: number): Promise<void> {
  const progress = { rows: 0, bytes: 0 };
  const lease = new Lease(claimed.attemptId, () => progress);
  lease.start();
  try {
    const { objectKey, outcome } =
      (await findCompleted(claimed)) ??
      (await make(claimed, lease, progress, Math.floor(remainingMilliseconds / 1_000)));
    lease.check();
    const { contentType } = formatOf(claimed.request.format);
    await transaction((client) => finishExport(client, claimed, objectKey, outcome, contentType));
  } catch (error) {
    await conclude(claimed, lease.signal.aborted ? lease.signal.reason : error);
  } finally {
    await lease.stop();
  }
}

async function make(
  claimed: Claim,
  lease: Lease,
  progress: { rows: number; bytes: number },
  remainingSeconds: number,
): Promise<{ objectKey: string; outcome: Outcome }> {
  const seconds = Math.max(1, Math.min(mostSeconds, remainingSeconds - reserveSeconds));
  const overtime = AbortSignal.timeout(seconds * 1_000);
  const signal = AbortSignal.any([lease.signal, overtime]);
  const { contentType } = formatOf(claimed.request.format);
  const writer = await MultipartWriter.create(claimed.objectKey, contentType);
  try {
    const outcome = await readSnapshot({
      claim: claimed,
      writer,
      progress,
      signal,
      statementTimeoutSeconds: seconds,
    });
    await writer.flush();
    await completeObject(claimed, writer, outcome, lease);
    return { objectKey: claimed.objectKey, outcome };
  } catch (error) {
    await writer.abort().catch((reason: unknown) => {
      logger.warn('upload not given up, the sweep will clear it', {
        attemptId: claimed.attemptId,
        reason: messageOf(reason),
      });
    });
    if (overtime.aborted && !lease.signal.aborted)
      throw new Refusal(
        'source_timeout',
        `The export took longer than ${Math.round(seconds / 60)} minutes. Ask for a shorter range.`,
        { cause: error },
      );
    throw error;
  }
}

/** Records how an attempt ended that did not end well. */
async function conclude(claimed: Claim, error: unknown): Promise<void> {
  const ids = { exportId: claimed.exportId, attemptId: claimed.attemptId };
  if (error instanceof Fenced) {
    logger.warn('attempt fenced, it has no effect any more', ids);
    return;
  }
  try {
    await transaction(async (client) => {
      if (error instanceof Cancelled) return cancelUnit(client, claimed);
      const fault = faultOf(error, claimed.source);
      const retries = await retriesOf(claimed.unitId);
      logger.error('attempt failed', {
        ...ids,
        code: fault.code,
        retry: fault.retry,
        retries,
        error: forLog(error),
      });
      return fault.retry && retries < mostRetries
        ? retryUnit(client, claimed, retryAfterSeconds(retries))
        : failUnit(client, claimed, fault);
    });
  } catch (ending) {
    if (!(ending instanceof Fenced)) throw ending;
    logger.warn('attempt fenced, it has no effect any more', ids);
  }
}

async function retriesOf(unitId: string): Promise<number> {
  const { rows } = await catalogue().query<{ retries: number }>(
    'select retries from units where id = $1',
    [unitId],
  );
  return rows[0]?.retries ?? 0;
}
