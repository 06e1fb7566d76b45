import type { Code } from '../contracts/codes.ts';
import { codeOf, messageOf, Refusal } from '../runtime/errors.ts';

/** What an attempt met, in the words of the person who waits, and whether another try can mend it. */
export interface Fault {
  code: Code;
  message: string;
  retry: boolean;
}

const away = (code: Code, message: string): Fault => ({ code, message, retry: true });
const final = (code: Code, message: string): Fault => ({ code, message, retry: false });

/** What S3 says that waiting does not mend. */
const storageRefused = /^(NoSuchBucket|AccessDenied|InvalidAccessKeyId|SignatureDoesNotMatch)$/;

/** One table, by SQLSTATE and errno. The first row that matches decides. */
const table: readonly [RegExp, (source: string) => Fault][] = [
  // Cancelled by its statement timeout: another try would take as long.
  [
    /^57014$/,
    (source) =>
      final('source_timeout', `${source} took longer than the query may. Ask for a shorter range.`),
  ],
  [
    /^(08|57P0|53|40)/,
    (source) => away('source_unavailable', `Database ${source} did not answer.`),
  ],
  [
    /^28|^3D000$/,
    (source) =>
      final(
        'source_unavailable',
        `Database ${source} refused our credentials. Tell your administrator.`,
      ),
  ],
  [
    /^42501$/,
    (source) =>
      final(
        'source_error',
        `Database ${source} does not permit reading this dataset. Ask your administrator for the right to it.`,
      ),
  ],
  [
    /^42/,
    () => final('dataset_changed', 'The dataset changed while it was exported. Ask for it again.'),
  ],
  [
    /^(22|XX|58|0A|55|P0)/,
    (source) =>
      final(
        'source_error',
        `Database ${source} reported an error while reading, which lies in the data or in a view. Try other columns or another range, or tell your administrator.`,
      ),
  ],
  [
    /^E(CONNREFUSED|CONNRESET|PIPE|TIMEDOUT|HOSTUNREACH|NETUNREACH|AI_AGAIN|NOTFOUND)$/,
    (source) => away('source_unavailable', `Database ${source} did not answer.`),
  ],
];

/** node-postgres has no code for a connection that ends in the middle. */
const connectionLost =
  /Connection terminated|Client has encountered a connection error|timeout expired/;

export function faultOf(error: unknown, source: string): Fault {
  if (error instanceof Refusal) {
    const code = error.code === 'refused_request' ? 'dataset_changed' : error.code;
    return error.code === 'source_lagging' ? away(code, error.message) : final(code, error.message);
  }
  const code = codeOf(error) ?? '';
  // All errors of S3's client have this, those of its connection too, whose codes a source's may have.
  if (typeof error === 'object' && error !== null && '$metadata' in error)
    return storageRefused.test(code)
      ? final('storage_error', 'The object storage refused us. Tell your administrator.')
      : away('storage_error', 'The object storage did not answer.');
  const row = table.find(([pattern]) => pattern.test(code));
  if (row) return row[1](source);
  if (connectionLost.test(messageOf(error)))
    return away('source_unavailable', `Database ${source} did not answer.`);
  return away('internal', 'Something failed on our side.');
}

export const mostRetries = 5;

/** Seconds to wait before try number `retries + 1`: 1, 2, 4, 8, 16, each with up to half as much again. */
export const retryAfterSeconds = (retries: number): number =>
  2 ** Math.min(retries, 4) * (1 + Math.random() / 2);
