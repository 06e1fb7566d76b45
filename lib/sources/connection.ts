import type pg from 'pg';
import { codeOf, messageOf } from '../runtime/errors.ts';
import { logger } from '../runtime/logger.ts';
import { askedBy, askSource } from './question.ts';
import { newSession, openSession } from './session.ts';
import { SourceSocket } from './source-socket.ts';

const connectMilliseconds = 5_000;
/** Whoever alters a table has so long to be through with it before the export of it is put off. */
const lockMilliseconds = 30_000;
/** A reader that is through waits for the others of its export. */
const idleSecondsBeyondStatement = 60;

/** The name by which the backends of an attempt are found and ended. 47 bytes; PostgreSQL keeps 63. */
const applicationNameOf = (attemptId: string): string => `streamsync:${attemptId}`;

/**
 * A connection of its own for an attempt that reads. It is never reused: an aborted COPY leaves a
 * connection that cannot be trusted, so the reader destroys it.
 */
export async function connectReader(
  source: string,
  attemptId: string,
  statementTimeoutSeconds: number,
): Promise<pg.Client> {
  const session = {
    name: applicationNameOf(attemptId),
    connectMilliseconds,
    statementMilliseconds: statementTimeoutSeconds * 1_000,
    lockMilliseconds,
    idleInTransactionMilliseconds: (statementTimeoutSeconds + idleSecondsBeyondStatement) * 1_000,
    idleSessionMilliseconds: 0,
  };
  const client = newSession(source, session, new SourceSocket());
  // The COPY stream reports the loss of the connection; this only keeps it from ending the process.
  client.on('error', (error) =>
    logger.warn('source connection lost', { source, attemptId, reason: messageOf(error) }),
  );
  await openSession(client);
  return client;
}

/** Ends what an attempt still runs on its source. Best effort: its lease and fence are the guarantee. */
export async function endBackends(source: string, attemptId: string): Promise<void> {
  try {
    await askSource(source, askedBy(null), (client) =>
      client.query(
        'select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1',
        [applicationNameOf(attemptId)],
      ),
    );
  } catch (error) {
    logger.warn('backends of an attempt not ended', { source, attemptId, code: codeOf(error) });
  }
}
