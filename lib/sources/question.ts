import type pg from 'pg';
import { codeOf, messageOf, Refusal } from '../runtime/errors.ts';
import { logger } from '../runtime/logger.ts';
import { faultOfSource, isOfDataset, noteIfAlive } from './faults.ts';
import { takeConnection, useConnection } from './question-connections.ts';
import { withoutTransactionTimeout } from './session.ts';

/** All questions of one request together, with the time they wait for a connection. */
const mostMilliseconds = 20_000;
/** How long it may wait for a connection. */
const waitMilliseconds = 8_000;

/** Who asks, and by when (`performance.now()`) there has to be an answer. */
export interface Asker {
  /** Id of the account; null: the system itself. */
  accountId: string | null;
  end: number;
}

export const askedBy = (
  account: { id: string } | null,
  milliseconds: number = mostMilliseconds,
): Asker => ({ accountId: account?.id ?? null, end: performance.now() + milliseconds });

const begin = 'begin isolation level repeatable read read only';

/**
 * Asks a source something, in a read-only transaction on one of the few connections that questions may have:
 * never for reading exports. What a statement leaves in the session meets nobody else. `ask` calls `giveUp` if
 * it does not wait for the end of a statement.
 *
 * Throws refusals of the source, and what the catalogue throws. What the server says of a dataset is that
 * dataset's; the source is away only if the connection is.
 */
export async function askSource<T>(
  source: string,
  { accountId, end }: Asker,
  ask: (client: pg.Client, giveUp: () => void) => Promise<T>,
): Promise<T> {
  const left = Math.max(1, end - performance.now());
  const taken = await takeConnection({
    source,
    accountId,
    waitMilliseconds: Math.min(left, waitMilliseconds),
    useMilliseconds: left,
  });
  try {
    return await useConnection(taken, async (client, giveUp) => {
      await client.query(begin);
      return attempt(client, () => ask(client, giveUp));
    });
  } catch (cause) {
    throw refusalOf(cause, source);
  }
}

/**
 * Runs part of a question. If the server says no to it, the transaction begins anew, so that the rest can be
 * asked all the same. Throws what `ask` threw: `isOfDataset` tells whether the connection goes on.
 */
export async function attempt<T>(client: pg.ClientBase, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    await noteIfAlive(error, () => beginAnew(client));
    throw error;
  }
}

async function beginAnew(client: pg.ClientBase): Promise<void> {
  await client.query('rollback; reset all');
  await client.query(withoutTransactionTimeout);
  await client.query(begin);
}

/** Gives back the locks that a question has taken by now. What it sees from here on is as of now. */
export const renew = (client: pg.ClientBase): Promise<unknown> => client.query(`commit; ${begin}`);

function refusalOf(cause: unknown, source: string): unknown {
  if (cause instanceof Refusal) return cause;
  const fault = faultOfSource(cause, source);
  if (!fault) return cause;
  logger.warn(isOfDataset(cause) ? 'source says no' : 'source does not answer', {
    source,
    code: codeOf(cause),
    reason: messageOf(cause),
  });
  const message =
    isOfDataset(cause) || !fault.retry
      ? fault.message
      : `The source ${source} does not answer. Nothing was made; try again in a few seconds.`;
  return new Refusal(fault.code, message, { cause });
}
