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

/** One table, by SQLSTATE, errno and S3 code. The first row that matches decides. */
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
    (source) => final('source_error', `Database ${source} no longer permits reading this dataset.`),
  ],
  [
    /^42/,
    () => final('dataset_changed', 'The dataset changed while it was exported. Ask for it again.'),
  ],
  [
    /^(22|XX|58|0A|55|P0)/,
    (source) => final('source_error', `Database ${source} reported an error while reading.`),
  ],
  [
    /^E(CONNREFUSED|CONNRESET|PIPE|TIMEDOUT|HOSTUNREACH|NETUNREACH|AI_AGAIN|NOTFOUND)$/,
    (source) => away('source_unavailable', `Database ${source} did not answer.`),
  ],
  [
    /^(NoSuchBucket|AccessDenied|InvalidAccessKeyId|SignatureDoesNotMatch)$/,
    () => final('storage_error', 'The object storage refused us. Tell your administrator.'),
  ],
  [
    /^(InternalError|ServiceUnavailable|SlowDown|RequestTimeout|TimeoutError|NetworkingError|NoSuchUpload|InternalServerError|UnknownError|Unknown)$/,
    () => away('storage_error', 'The object storage did not answer.'),
  ],
];

/** node-postgres has no code for a connection that ends in the middle. */
const connectionLost =
  /Connection terminated|Client has encountered a connection error|timeout expired/;

export function faultOf(error: unknown, source: string): Fault {
  if (error instanceof Refusal) {
    const code = error.code === 'refused_request' ? 'dataset_changed' : error.code;
    return final(code, error.message);
  }
  const code = codeOf(error) ?? '';
  const row = table.find(([pattern]) => pattern.test(code));
  if (row) return row[1](source);
  if (connectionLost.test(messageOf(error)))
    return away('source_unavailable', `Database ${source} did not answer.`);
  // An S3 error of a kind we do not list, by the shape the SDK gives all of them.
  if (typeof error === 'object' && error !== null && '$metadata' in error)
    return away('storage_error', 'The object storage reported an error.');
  return away('internal', 'Something failed on our side.');
}

export const mostRetries = 5;

/** Seconds to wait before try number `retries + 1`: 1, 2, 4, 8, 16, each with up to half as much again. */
export const retryAfterSeconds = (retries: number): number =>
  2 ** Math.min(retries, 4) * (1 + Math.random() / 2);
