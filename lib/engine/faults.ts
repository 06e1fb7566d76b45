import { codeOf, Refusal } from '../runtime/errors.ts';
import { away, type Fault, faultOfSource, final } from '../sources/faults.ts';

/** What S3 says that waiting does not mend. */
const storageRefused = /^(NoSuchBucket|AccessDenied|InvalidAccessKeyId|SignatureDoesNotMatch)$/;

/** What an attempt met, for the person who waits, and whether another try can mend it. */
export function faultOf(error: unknown, source: string): Fault {
  if (error instanceof Refusal) {
    const code = error.code === 'refused_request' ? 'dataset_changed' : error.code;
    return error.code === 'source_lagging' ? away(code, error.message) : final(code, error.message);
  }
  // All errors of S3's client have this, those of its connection too, whose codes a source's may have.
  if (typeof error === 'object' && error !== null && '$metadata' in error)
    return storageRefused.test(codeOf(error) ?? '')
      ? final('storage_error', 'The object storage refused us. Tell your administrator.')
      : away('storage_error', 'The object storage did not answer.');
  return faultOfSource(error, source) ?? away('internal', 'Something failed on our side.');
}

export const mostRetries = 5;

/** Seconds to wait before try number `retries + 1`: 1, 2, 4, 8, 16, each with up to half as much again. */
export const retryAfterSeconds = (retries: number): number =>
  2 ** Math.min(retries, 4) * (1 + Math.random() / 2);
