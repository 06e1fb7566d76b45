import type pg from 'pg';
import { AppError, errorCode, errorMessage } from '../runtime/errors.ts';
import { logger } from '../runtime/logger.ts';
import { acquireConnection, useConnection } from './question-connections.ts';
import { withoutTransactionTimeout } from './session.ts';
import { classifySourceError, isOfDataset, noteIfAlive } from './source-errors.ts';

/** Limit for all questions of one request, including their waits for connections. */
const maxQuestionMs = 20_000;
/** Limit for the wait for a connection. */
const waitMs = 8_000;

/** The account that asks, and its deadline. */
export interface Asker {
  /** Id of the account; null: the system itself. */
  accountId: string | null;
  /** By `performance.now()`. */
  end: number;
}

export const askedBy = (
  account: { id: string } | null,
  milliseconds: number = maxQuestionMs,
): Asker => ({ accountId: account?.id ?? null, end: performance.now() + milliseconds });

const begin = 'begin isolation level repeatable read read only';

/**
 * Runs `ask` in a read-only transaction on one of the few connections for questions, which are never used to read
 * exports. The session is reset afterwards. `ask` calls `giveUp` if it does not wait for the end of a statement.
 *
 * Throws an `AppError` for an error of the source, and the errors of the catalogue. An error after which the
 * connection is still usable is the dataset's; the source is unavailable only if the connection is lost.
 */
export async function askSource<T>(
  source: string,
  { accountId, end }: Asker,
  ask: (client: pg.Client, giveUp: () => void) => Promise<T>,
): Promise<T> {
  const msLeft = Math.max(1, end - performance.now());
  const grant = await acquireConnection({
    source,
    accountId,
    waitMs: Math.min(msLeft, waitMs),
    useMs: msLeft,
  });
  try {
    return await useConnection(grant, async (client, giveUp) => {
      await client.query(begin);
      return attempt(client, () => ask(client, giveUp));
    });
  } catch (cause) {
    throw toAppError(cause, source);
  }
}

/**
 * Runs one step of a question. After an error of the server it restarts the transaction, so that the next steps can
 * run, and rethrows the error: `isOfDataset` returns whether the connection is still usable.
 */
export async function attempt<T>(client: pg.ClientBase, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    await noteIfAlive(error, () => restartTransaction(client));
    throw error;
  }
}

async function restartTransaction(client: pg.ClientBase): Promise<void> {
  await client.query('rollback; reset all');
  await client.query(withoutTransactionTimeout);
  await client.query(begin);
}

/** Releases the locks of a question so far. Its next statements see a new snapshot. */
export const renew = (client: pg.ClientBase): Promise<unknown> => client.query(`commit; ${begin}`);

function toAppError(cause: unknown, source: string): unknown {
  if (cause instanceof AppError) return cause;
  const errorClass = classifySourceError(cause, source);
  if (!errorClass) return cause;
  logger.warn(isOfDataset(cause) ? 'source reported an error' : 'source did not answer', {
    source,
    code: errorCode(cause),
    reason: errorMessage(cause),
  });
  const message =
    isOfDataset(cause) || !errorClass.retry
      ? errorClass.message
      : `Source ${source} does not answer. Nothing was created; try again in a few seconds.`;
  return new AppError(errorClass.code, message, { cause });
}
