import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { codeOf, messageOf, Refusal } from '../runtime/errors.ts';
import { logger } from '../runtime/logger.ts';
import { faultOfSource, isOfDataset, noteIfAlive } from './faults.ts';
import { holdingConnection } from './question-connections.ts';
import { newSession } from './session.ts';

/** All questions of one request together, with the time they wait for a connection. */
const mostMilliseconds = 20_000;
const connectMilliseconds = 5_000;
const statementMilliseconds = 5_000;
const lockMilliseconds = 2_000;
const idleMilliseconds = 10_000;
/** How long it may wait for a connection. */
const waitMilliseconds = 8_000;
/** How long the server may need to see that we are gone. */
const graceMilliseconds = 2_000;

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

const beginReading = 'begin isolation level repeatable read read only';
/** Whatever a statement has set in the session is undone as well. */
const beginAgain = `rollback; reset all; ${beginReading}`;

/**
 * Asks a source something, in a read-only transaction on a connection that is opened for it, of the few that
 * questions may have: never for reading exports. What a statement leaves in the session meets nobody else.
 *
 * Throws refusals of the source, and what the catalogue throws. What the server says of a dataset is that
 * dataset's; the source is away only if the connection is.
 */
export function askSource<T>(
  source: string,
  asker: Asker,
  ask: (client: pg.Client) => Promise<T>,
  purpose: 'metadata' | 'preview' = 'metadata',
): Promise<T> {
  const left = asker.end - performance.now();
  const wanted = {
    source,
    accountId: asker.accountId,
    waitMilliseconds: Math.max(0, Math.min(left, waitMilliseconds)),
    holdMilliseconds: left + statementMilliseconds + graceMilliseconds,
  };
  return holdingConnection(wanted, async (leave) => {
    try {
      return await onSession(source, asker, purpose, ask, leave);
    } catch (cause) {
      throw refusalOf(cause, source);
    }
  });
}

async function onSession<T>(
  source: string,
  { end }: Asker,
  purpose: string,
  ask: (client: pg.Client) => Promise<T>,
  leave: () => void,
): Promise<T> {
  const socket = new Socket();
  const session = {
    name: `streamsync:${purpose}`,
    connectMilliseconds,
    statementMilliseconds,
    lockMilliseconds,
    idleMilliseconds,
  };
  const client = newSession(source, session, socket);
  // Whoever waits for a statement learns of it there.
  client.on('error', () => undefined);
  const deadline = setTimeout(
    () => {
      leave();
      socket.destroy(new Error('Connection terminated: the time for questions is over'));
    },
    Math.max(1, end - performance.now()),
  );
  try {
    await client.connect();
    await client.query(beginReading);
    return await attempt(client, () => ask(client));
  } catch (error) {
    // We went away, and the server may not know it yet.
    if (codeOf(error) === 'ABORT_ERR' || /timeout expired/.test(messageOf(error))) leave();
    throw error;
  } finally {
    clearTimeout(deadline);
    const closed = client.end().then(
      () => true,
      () => true,
    );
    if (!(await Promise.race([closed, sleep(graceMilliseconds, false, { ref: false })]))) leave();
    socket.destroy();
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
    await noteIfAlive(error, () => client.query(beginAgain));
    throw error;
  }
}

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
