import { setTimeout } from 'node:timers/promises';
import pg from 'pg';
import type { Code } from '../contracts/codes.ts';
import { isConnectionLost } from '../runtime/connection-lost.ts';
import { codeOf } from '../runtime/errors.ts';

/** What was met, in the words of the person who waits, and whether another try can mend it. */
export interface Fault {
  code: Code;
  message: string;
  retry: boolean;
}

export const away = (code: Code, message: string): Fault => ({ code, message, retry: true });
export const final = (code: Code, message: string): Fault => ({ code, message, retry: false });

const didNotAnswer = (source: string): Fault =>
  away('source_unavailable', `Database ${source} did not answer.`);

/**
 * What the server said of a statement, on a connection that went on: whatever its SQLSTATE is, it is about
 * the dataset. A view may raise any. The first row that matches decides.
 */
const ofDataset: readonly [RegExp, (source: string, sqlState: string) => Fault][] = [
  // Cancelled by its statement timeout: another try would take as long.
  [
    /^57014$/,
    (source) =>
      final('source_timeout', `${source} took longer than the query may. Ask for a shorter range.`),
  ],
  [
    /^55P03$/,
    (source) =>
      away(
        'source_unavailable',
        `The dataset is locked in database ${source}: somebody is changing it just now. Try again in a minute.`,
      ),
  ],
  [
    /^(40|53)/,
    (source, sqlState) =>
      away(
        'source_error',
        `Database ${source} could not go on reading this dataset (SQLSTATE ${sqlState}), which may pass.`,
      ),
  ],
  [
    /^25006$/,
    (source) =>
      final(
        'source_error',
        `Reading this dataset would write to database ${source}: a view of it calls a function that does. Nothing was written; nobody can export it as it is.`,
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
];

const inDataOrView = (source: string, sqlState: string): Fault =>
  final(
    'source_error',
    `Database ${source} reported an error while reading (SQLSTATE ${sqlState}), which lies in the data or in a view. Try other columns or another range, or tell your administrator.`,
  );

/** What a server says when it does not take us, or not any longer. */
const refusedUs = /^(28|3D)/;
const leavesUs = /^(08|57P|53)/;

/** Errors that came on a connection which was in order afterwards. */
const survived = new WeakSet<Error>();

/**
 * Finds out whether the connection on which the server said no goes on, and remembers it: the SQLSTATE alone
 * does not tell, a view may raise that of a shutdown. `probe` has to end the failed transaction. Never throws.
 */
export async function noteIfAlive(cause: unknown, probe: () => Promise<unknown>): Promise<void> {
  if (!(cause instanceof pg.DatabaseError) || survived.has(cause)) return;
  const answered = probe().then(
    () => true,
    () => false,
  );
  const silent = setTimeout(probeMilliseconds, false, { ref: false });
  if (await Promise.race([answered, silent])) survived.add(cause);
}

const probeMilliseconds = 3_000;

/** Whether it is the dataset's: the server said it of a statement, and the connection went on. */
export const isOfDataset = (error: unknown): error is Error =>
  error instanceof Error && survived.has(error);

/** Undefined for what is neither a server's word nor the loss of one. */
export function faultOfSource(error: unknown, source: string): Fault | undefined {
  const code = codeOf(error) ?? '';
  const saidIt = error instanceof pg.DatabaseError;
  if (isOfDataset(error) || (saidIt && !refusedUs.test(code) && !leavesUs.test(code))) {
    const row = ofDataset.find(([pattern]) => pattern.test(code));
    return row ? row[1](source, code) : inDataOrView(source, code);
  }
  if (saidIt && refusedUs.test(code))
    return final(
      'source_unavailable',
      `Database ${source} refused our credentials. Tell your administrator.`,
    );
  return saidIt || isConnectionLost(error) ? didNotAnswer(source) : undefined;
}
