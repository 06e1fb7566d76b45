import type pg from 'pg';
import { errorCode, errorMessage } from '../runtime/errors.ts';
import { logger } from '../runtime/logger.ts';
import { ReusedBufferSocket } from './copy/reused-buffer-socket.ts';
import { askedBy, askSource } from './question.ts';
import { newSession, openSession } from './session.ts';

const connectMs = 5_000;
/** How long an export waits for a table that is being altered before it is retried later. */
const lockMs = 30_000;
/** A reader that has finished waits, idle in its transaction, for the other readers of its export. */
const idleSecondsBeyondStatement = 60;

/** Returns the name by which the backends of an attempt are found. It has 47 bytes; PostgreSQL keeps 63. */
const applicationNameOf = (attemptId: string): string => `streamsync:${attemptId}`;

const sockets = new WeakMap<pg.Client, ReusedBufferSocket>();

/**
 * Opens a connection for one reading attempt. It is never reused: after an aborted COPY its state is unknown, so the
 * reader destroys it with `closeReader`.
 *
 * @param kernelBytes of the memory of the kernel that encodes the rows, 0 without one
 */
export async function connectReader(
  source: string,
  attemptId: string,
  statementTimeoutSeconds: number,
  kernelBytes: number,
): Promise<pg.Client> {
  const session = {
    name: applicationNameOf(attemptId),
    connectMs,
    statementMs: statementTimeoutSeconds * 1_000,
    lockMs,
    idleInTransactionMs: (statementTimeoutSeconds + idleSecondsBeyondStatement) * 1_000,
    idleSessionMs: 0,
  };
  const socket = new ReusedBufferSocket(kernelBytes);
  const client = newSession(source, session, socket);
  sockets.set(client, socket);
  // The COPY stream reports a lost connection; this listener only keeps the error from ending the process.
  client.on('error', (error) =>
    logger.warn('source connection lost', { source, attemptId, reason: errorMessage(error) }),
  );
  await openSession(client);
  return client;
}

/**
 * Closes the connection of a reader, and resolves when it is closed.
 *
 * @param complete whether everything that was read is consumed: then the next reader uses the memory
 */
export async function closeReader(client: pg.Client, complete: boolean): Promise<void> {
  if (complete) sockets.get(client)?.releaseMemory();
  await client.end();
}

/** Terminates what an attempt still runs on its source. Best effort: the guarantee is that the attempt is fenced. */
export async function terminateBackends(source: string, attemptId: string): Promise<void> {
  try {
    await askSource(source, askedBy(null), (client) =>
      client.query(
        'select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1',
        [applicationNameOf(attemptId)],
      ),
    );
  } catch (error) {
    logger.warn('could not terminate backends of attempt', {
      source,
      attemptId,
      code: errorCode(error),
    });
  }
}
