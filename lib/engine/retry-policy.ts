/**
 * The retry policy: which errors pass by themselves, and how often a unit is tried again. Four layers, from the
 * inside out; each one sees only what the layer below gave up on.
 *
 * 1. A request to the object storage: the client of S3 makes up to 5 tries (`maxAttempts` in lib/storage/s3.ts), with
 *    its own back-off, for connection errors, 5xx, `SlowDown` and 503. A lost source connection is not retried here:
 *    COPY cannot continue where it stopped.
 * 2. A unit: an error that this file calls retryable ends the attempt as `retried`. The unit is queued again, up to
 *    5 times, after 1, 2, 4, 8, 16 s and up to half as much again. The retry that fails last fails the export. A
 *    permanent error fails the export at once.
 * 3. An attempt that is not heard of: a worker that was killed or stopped reports nothing, and its lease runs out. The
 *    sweep marks the attempt `lost` and queues the unit again (lib/scheduling/lost-attempts.ts). The tenth lost attempt
 *    fails the export as `worker_lost`. Lost attempts and retries are counted separately.
 * 4. The user: a failed, cancelled or expired export can be run again under the same id (`POST /exports/{id}/retry`,
 *    lib/exports/lifecycle/rerun.ts). It starts from nothing, with a new snapshot and all counts at 0.
 */
import { AppError, errorCode } from '../runtime/errors.ts';
import { backoffMs } from '../runtime/retry.ts';
import {
  classifySourceError,
  type ErrorClass,
  permanent,
  retryable,
} from '../sources/source-errors.ts';

/**
 * Failures are retried on four levels, from the inside out:
 *
 * 1. The S3 client sends a request up to 5 times (`lib/storage/s3.ts`).
 * 2. A unit is retried up to `maxRetries` times, with a growing wait, after an error that may pass (this file).
 * 3. A unit whose attempt was lost is run again, up to `maxLostAttempts` attempts (`lib/scheduling/lost-attempts.ts`).
 * 4. The owner starts another run of an ended export (`lib/exports/lifecycle/rerun.ts`).
 */

/** Names of S3 errors that occur again at each attempt. */
const permanentStorageErrors =
  /^(NoSuchBucket|AccessDenied|InvalidAccessKeyId|SignatureDoesNotMatch)$/;

/** Returns the code and message of an attempt's error for the owner of the export, and whether to retry. */
export function classifyError(error: unknown, source: string): ErrorClass {
  if (error instanceof AppError) {
    const code = error.code === 'invalid_request' ? 'dataset_changed' : error.code;
    return error.code === 'source_lagging'
      ? retryable(code, error.message)
      : permanent(code, error.message);
  }
  // Every error of the S3 client has `$metadata`. Its connection errors share their codes with those of a source.
  if (typeof error === 'object' && error !== null && '$metadata' in error)
    return permanentStorageErrors.test(errorCode(error) ?? '')
      ? permanent('storage_error', 'The object storage denied access. Contact your administrator.')
      : retryable('storage_error', 'The object storage did not answer.');
  return (
    classifySourceError(error, source) ?? retryable('internal', 'Something failed on our side.')
  );
}

/** A unit has one attempt and at most this many retries; lost attempts are counted separately. */
export const maxRetries = 5;

/** Returns the seconds to wait after `retries` retries: 1, 2, 4, 8, 16, plus a random share of up to half. */
export const backoffSeconds = (retries: number): number =>
  backoffMs(retries, { firstMs: 1_000, maxMs: 16_000 }) / 1_000;
