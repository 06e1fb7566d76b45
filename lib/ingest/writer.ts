import pg from 'pg';
import { numericBigints, transactionOf } from '../runtime/catalogue.ts';
import { config, type ReadingsSettings } from '../runtime/config.ts';
import { errorMessage } from '../runtime/errors.ts';
import { logger } from '../runtime/logger.ts';

/** Returns the settings of the readings. Throws if this deployment stores none. */
function readingsSettings(): ReadingsSettings {
  const { readings } = config();
  if (readings === undefined) throw new Error('STREAMSYNC_READINGS is not set');
  return readings;
}

let pool: pg.Pool | undefined;

/** Returns the connections of this process that write readings. */
export function writer(): pg.Pool {
  if (!pool) {
    pool = new pg.Pool({
      connectionString: readingsSettings().url,
      max: 2,
      connectionTimeoutMillis: 5_000,
      idleTimeoutMillis: 60_000,
      statement_timeout: 60_000,
      // Another batch with the same series, or the sweep, is done before.
      lock_timeout: 30_000,
      // The owner of the server may have chosen another default, as for the order of locks and the plans of our statements.
      options: '-c jit=off -c default_transaction_isolation=read\\ committed -c TimeZone=UTC',
      // Longer than a relay to the dead letters takes; a function that is frozen must not hold locks.
      idle_in_transaction_session_timeout: 30_000,
      application_name: 'streamsync-ingest',
      keepAlive: true,
      types: numericBigints,
    });
    // Without these listeners the process would end when the server closes a connection.
    pool.on('connect', (client) => client.on('error', () => undefined));
    pool.on('error', (error) =>
      logger.warn('connection of ingest lost', { reason: errorMessage(error) }),
    );
  }
  return pool;
}

/** Runs `work` in a transaction of the readings store. */
export const writerTransaction = <T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> =>
  transactionOf(writer(), work);
