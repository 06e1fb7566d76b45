import { type Queryable, transaction } from '../runtime/catalogue.ts';
import { serializeError } from '../runtime/errors.ts';
import { logger } from '../runtime/logger.ts';
import type { Claim } from '../scheduling/claim-types.ts';
import { CancelledError, FencedError } from '../scheduling/lease.ts';
import { cancelUnit, failUnit, retryUnit } from '../scheduling/unit-transitions.ts';
import { backoffSeconds, classifyError, maxRetries } from './retry-policy.ts';

/** Cancels, retries or fails the unit of an attempt that ended with an error. Records nothing of a fenced attempt. */
export async function recordFailure(claim: Claim, error: unknown): Promise<void> {
  const ids = { exportId: claim.exportId, attemptId: claim.attemptId };
  if (error instanceof FencedError) {
    logger.warn('attempt fenced; its result is discarded', ids);
    return;
  }
  try {
    await transaction(async (client) => {
      if (error instanceof CancelledError) return cancelUnit(client, claim);
      const errorClass = classifyError(error, claim.source);
      const retries = await retriesOf(client, claim.unitId);
      logger.error('attempt failed', {
        ...ids,
        code: errorClass.code,
        retry: errorClass.retry,
        retries,
        error: serializeError(error),
      });
      const { code, message } = errorClass;
      if (errorClass.retry && retries < maxRetries)
        return retryUnit(client, claim, { code, message }, backoffSeconds(retries));
      const advice = errorClass.retry
        ? ` It was tried ${retries + 1} times. Try again in a few minutes. If it fails again, contact your administrator.`
        : '';
      return failUnit(client, claim, { code, message: `${message}${advice}` });
    });
  } catch (recordingError) {
    if (!(recordingError instanceof FencedError)) throw recordingError;
    logger.warn('attempt fenced; its result is discarded', ids);
  }
}

async function retriesOf(client: Queryable, unitId: string): Promise<number> {
  const { rows } = await client.query<{ retries: number }>(
    'select retries from units where id = $1',
    [unitId],
  );
  return rows[0]?.retries ?? 0;
}
