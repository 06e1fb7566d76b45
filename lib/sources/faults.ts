import { setTimeout } from 'node:timers/promises';
import pg from 'pg';
import type { Code } from '../contracts/codes.ts';
import { shortened } from '../contracts/sizes.ts';
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

const mostSaidCharacters = 300;

/** The database's own words in one line, with what it advises: whoever may read the source may know them. */
function saidBy(error: unknown): string {
  if (!(error instanceof pg.DatabaseError)) return '';
  const hint = error.hint === undefined ? '' : ` (${error.hint})`;
  // Control characters, and those that change the direction of what follows, are no words.
  const line = `${error.message}${hint}`.replaceAll(/[\p{C}\p{Z}]+/gu, ' ').trim();
  return `SQLSTATE ${error.code ?? 'unknown'}: ${shortened(line, mostSaidCharacters)}`;
}

type Told = (source: string, said: string) => Fault;

/**
 * What the server said of a statement, on a connection that went on: whatever its SQLSTATE is, it is about
 * the dataset. A view may raise any. The first row that matches decides; another try is made of what may pass by
 * itself. https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const ofDataset: readonly [states: RegExp, told: Told][] = [
  // Cancelled by its statement timeout: another try would take as long.
  [
    /^57014$/,
    (source, said) =>
      final(
        'source_timeout',
        `${source} took longer than the query may (${said}). Ask for a shorter range.`,
      ),
  ],
  [
    /^55P03$/,
    (source, said) =>
      away(
        'source_unavailable',
        `The dataset is locked in database ${source}: somebody is changing it just now (${said}). Try again in a minute.`,
      ),
  ],
  // A limit of the role or the server, on temporary files, say: the next try meets it, too.
  [
    /^(53400|25P0[34])$/,
    (source, said) =>
      final(
        'source_error',
        `Reading this dataset met a limit that is set for our role or for all of database ${source} (${said}). Ask for a shorter range or fewer columns, or tell your administrator.`,
      ),
  ],
  // Conflicts and deadlocks; memory, disk, connections or locks that others have just now.
  [
    /^(40|53)/,
    (source, said) =>
      away(
        'source_unavailable',
        `Database ${source} could not go on reading this dataset (${said}), which may pass.`,
      ),
  ],
  // Said of another server, to which this one is a client.
  [
    /^(08|HV00N)/,
    (source, said) =>
      away(
        'source_unavailable',
        `A server from which database ${source} fetches this dataset does not answer it (${said}).`,
      ),
  ],
  [
    /^25006$/,
    (source, said) =>
      final(
        'source_error',
        `Reading this dataset would write to database ${source}: a view of it calls a function that does (${said}). Nothing was written; nobody can export it as it is.`,
      ),
  ],
  [
    /^42501$/,
    (source, said) =>
      final(
        'source_error',
        `Database ${source} does not permit reading this dataset (${said}). Ask your administrator for the right to it.`,
      ),
  ],
  [
    /^42/,
    (_, said) =>
      final(
        'dataset_changed',
        `The dataset changed while it was exported, or a view of it does not fit any more (${said}). Ask for it again.`,
      ),
  ],
  [
    /^(54|0A)/,
    (source, said) =>
      final(
        'source_error',
        `Database ${source} cannot give this: it is larger or deeper than a row, a value or a query of it may be, or is not made for it (${said}). Ask for fewer columns, or tell your administrator.`,
      ),
  ],
  [
    /^(22021|22P05)$/,
    (source, said) =>
      final(
        'source_error',
        `Database ${source} holds text that is no text in its encoding (${said}). Leave out the rows or columns with it, or tell your administrator.`,
      ),
  ],
  [
    /^XX00[12]$/,
    (source, said) =>
      final(
        'source_error',
        `Database ${source} finds this dataset damaged (${said}). Tell your administrator.`,
      ),
  ],
];

const inDataOrView: Told = (source, said) =>
  final(
    'source_error',
    `Database ${source} reported an error while reading (${said}), which lies in the data or in a view. Try other columns or another range, or tell your administrator.`,
  );

/** Somebody truncates or rewrites a dataset again and again, so that no moment of it can be held. */
export class StillChanging extends Error {
  constructor(dataset: string) {
    super(`${dataset} was rewritten each time before it could be locked`);
    this.name = 'StillChanging';
  }
}

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
  if (error instanceof StillChanging)
    return away(
      'source_unavailable',
      `The dataset is being rewritten in database ${source} again and again: no moment of it could be held.`,
    );
  const code = codeOf(error) ?? '';
  const saidIt = error instanceof pg.DatabaseError;
  if (isOfDataset(error) || (saidIt && !refusedUs.test(code) && !leavesUs.test(code))) {
    const told = ofDataset.find(([states]) => states.test(code))?.[1] ?? inDataOrView;
    return told(source, saidBy(error));
  }
  if (saidIt && refusedUs.test(code))
    return final(
      'source_unavailable',
      `Database ${source} refused our credentials. Tell your administrator.`,
    );
  return saidIt || isConnectionLost(error) ? didNotAnswer(source) : undefined;
}
