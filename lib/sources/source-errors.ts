import pg from 'pg';
import type { Code } from '../contracts/codes.ts';
import { shortened } from '../contracts/sizes.ts';
import { isConnectionLost } from '../runtime/connection-lost.ts';
import { errorCode } from '../runtime/errors.ts';
import { withTimeout } from '../runtime/timeout.ts';

/** The class of an error: its code, its message for the user, and whether a retry can succeed. */
export interface ErrorClass {
  code: Code;
  message: string;
  retry: boolean;
}

export const retryable = (code: Code, message: string): ErrorClass => ({
  code,
  message,
  retry: true,
});
export const permanent = (code: Code, message: string): ErrorClass => ({
  code,
  message,
  retry: false,
});

const didNotAnswer = (source: string): ErrorClass =>
  retryable('source_unavailable', `Database ${source} did not answer.`);

const maxDetailCharacters = 300;

/** Returns the message and the hint of the server in one line. Everyone who may read the source may see them. */
function serverMessageOf(error: unknown): string {
  if (!(error instanceof pg.DatabaseError)) return '';
  const hint = error.hint === undefined ? '' : ` (${error.hint})`;
  // Removes control characters, and those that change the direction of the text after them.
  const line = `${error.message}${hint}`.replaceAll(/[\p{C}\p{Z}]+/gu, ' ').trim();
  return `SQLSTATE ${error.code ?? 'unknown'}: ${shortened(line, maxDetailCharacters)}`;
}

type Classify = (source: string, details: string) => ErrorClass;

/**
 * Classes of the errors of a statement after which the connection was still usable. They are errors of the dataset,
 * whatever their SQLSTATE: a view may raise any. The first matching row decides; temporary errors are retried.
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const datasetErrors: readonly [states: RegExp, classify: Classify][] = [
  // Cancelled by the statement timeout: a retry would take as long.
  [
    /^57014$/,
    (source, details) =>
      permanent(
        'source_timeout',
        `Reading from database ${source} took longer than its time limit (${details}). Ask for a shorter range.`,
      ),
  ],
  [
    /^55P03$/,
    (source, details) =>
      retryable(
        'source_unavailable',
        `The dataset is locked in database ${source} because it is being changed (${details}). Try again in a minute.`,
      ),
  ],
  // A limit of the role or the server, for example on temporary files: a retry would reach it, too.
  [
    /^(53400|25P0[34])$/,
    (source, details) =>
      permanent(
        'source_error',
        `Reading this dataset reached a limit of database ${source} or of its role for StreamSync (${details}). Ask for a shorter range or fewer columns, or contact your administrator.`,
      ),
  ],
  // Conflicts and deadlocks; memory, disk, connections or locks that are used up at the moment.
  [
    /^(40|53)/,
    (source, details) =>
      retryable(
        'source_unavailable',
        `Database ${source} could not continue reading this dataset (${details}). The cause may be temporary.`,
      ),
  ],
  // Errors of another server, to which this one is a client.
  [
    /^(08|HV00N)/,
    (source, details) =>
      retryable(
        'source_unavailable',
        `Another server, from which database ${source} reads this dataset, did not answer (${details}).`,
      ),
  ],
  [
    /^25006$/,
    (source, details) =>
      permanent(
        'source_error',
        `Reading this dataset would write to database ${source}: a view calls a function that writes (${details}). Nothing was written. The dataset cannot be exported until the view is changed.`,
      ),
  ],
  [
    /^42501$/,
    (source, details) =>
      permanent(
        'source_error',
        `Database ${source} does not permit StreamSync to read this dataset (${details}). Ask your administrator to grant it.`,
      ),
  ],
  [
    /^42/,
    (_, details) =>
      permanent(
        'dataset_changed',
        `The dataset changed while it was exported, or a view no longer matches its tables (${details}). Ask for it again.`,
      ),
  ],
  [
    /^(54|0A)/,
    (source, details) =>
      permanent(
        'source_error',
        `Database ${source} cannot read this dataset: a row, a value or the query exceeds a limit of the server, or the server does not support the query (${details}). Ask for fewer columns, or contact your administrator.`,
      ),
  ],
  [
    /^(22021|22P05)$/,
    (source, details) =>
      permanent(
        'source_error',
        `Database ${source} contains text that does not fit its encoding (${details}). Leave out the rows or columns with it, or contact your administrator.`,
      ),
  ],
  [
    /^XX00[12]$/,
    (source, details) =>
      permanent(
        'source_error',
        `Database ${source} reports that this dataset is damaged (${details}). Contact your administrator.`,
      ),
  ],
];

const classifyOther: Classify = (source, details) =>
  permanent(
    'source_error',
    `Database ${source} reported an error while reading (${details}). A value or a view caused it. Export other columns or another time range, or contact your administrator.`,
  );

/** A dataset is truncated or rewritten so often that no snapshot of it can be locked. */
export class StillChangingError extends Error {
  constructor(dataset: string) {
    super(`${dataset} was rewritten each time before it could be locked`);
    this.name = 'StillChangingError';
  }
}

/** SQLSTATEs with which a server rejects a login (first) or ends a connection (second). */
const authenticationErrors = /^(28|3D)/;
const connectionErrors = /^(08|57P|53)/;

/** Errors after which the connection was still usable. */
const survivedErrors = new WeakSet<Error>();

/**
 * Finds out whether the connection is still usable after an error of the server, and records it for `isOfDataset`.
 * The SQLSTATE alone does not show it, because a view may raise that of a shutdown. `probe` has to end the failed
 * transaction. Never throws.
 */
export async function noteIfAlive(cause: unknown, probe: () => Promise<unknown>): Promise<void> {
  if (!(cause instanceof pg.DatabaseError) || survivedErrors.has(cause)) return;
  const isAlive = await withTimeout(probe(), probeMs).then(
    () => true,
    () => false,
  );
  if (isAlive) survivedErrors.add(cause);
}

const probeMs = 3_000;

/** Returns whether an error is the dataset's: the connection was still usable after it (`noteIfAlive`). */
export const isOfDataset = (error: unknown): error is Error =>
  error instanceof Error && survivedErrors.has(error);

/** Returns the class of an error, undefined if it is neither an error of a server nor a lost connection. */
export function classifySourceError(error: unknown, source: string): ErrorClass | undefined {
  if (error instanceof StillChangingError)
    return retryable(
      'source_unavailable',
      `The dataset is rewritten in database ${source} so often that no snapshot of it could be read.`,
    );
  const code = errorCode(error) ?? '';
  const isServerError = error instanceof pg.DatabaseError;
  if (
    isOfDataset(error) ||
    (isServerError && !authenticationErrors.test(code) && !connectionErrors.test(code))
  ) {
    const classify = datasetErrors.find(([states]) => states.test(code))?.[1] ?? classifyOther;
    return classify(source, serverMessageOf(error));
  }
  if (isServerError && authenticationErrors.test(code))
    return permanent(
      'source_unavailable',
      `Database ${source} rejected the credentials of StreamSync. Contact your administrator.`,
    );
  return isServerError || isConnectionLost(error) ? didNotAnswer(source) : undefined;
}
