import pg from 'pg';
import { config } from './config.ts';
import { errorMessage } from './errors.ts';
import { logger } from './logger.ts';

/** The pool, or the client of a transaction. */
export type Queryable = Pick<pg.ClientBase, 'query'>;

/** Reads bigint as a number: ids, counts and offsets stay below 2^53. */
export const numericBigints: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) =>
    oid === pg.types.builtins.INT8 && format !== 'binary'
      ? Number
      : pg.types.getTypeParser(oid, format),
};

let pool: pg.Pool | undefined;

/** Returns the connection pool of this process for the catalogue database. */
export function catalogue(): pg.Pool {
  if (!pool) {
    const { catalogueUrl, catalogueConnections } = config();
    pool = new pg.Pool({
      connectionString: catalogueUrl,
      max: catalogueConnections,
      connectionTimeoutMillis: 5_000,
      idleTimeoutMillis: 60_000,
      statement_timeout: 15_000,
      // Our statements are shorter than their compilation, whatever the planner estimates.
      options: '-c jit=off',
      // A function that is frozen between two statements must not hold locks.
      idle_in_transaction_session_timeout: 10_000,
      application_name: 'streamsync',
      keepAlive: true,
      types: numericBigints,
    });
    // Without these listeners the process would end when the server closes a connection that is idle in the pool
    // or checked out between two statements (a function that was frozen in a transaction).
    pool.on('connect', (client) => client.on('error', () => undefined));
    pool.on('error', (error) =>
      logger.warn('catalogue connection lost', { reason: errorMessage(error) }),
    );
  }
  return pool;
}

/** Runs `work` in a transaction of the catalogue, which is committed when it resolves and rolled back when it throws. */
export const transaction = <T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> =>
  transactionOf(catalogue(), work);

/** The same in the database of another pool. */
export async function transactionOf<T>(
  database: pg.Pool,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const client = await database.connect();
  let broken: Error | undefined;
  try {
    await client.query('begin');
    const result = await work(client);
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch((rollbackError: unknown) => {
      broken = rollbackError instanceof Error ? rollbackError : new Error(String(rollbackError));
    });
    throw error;
  } finally {
    client.release(broken);
  }
}

/** The holder of a lock does the work for all; other processes skip it and look again later. */
export const advisoryLocks = {
  dispatch: 7_001,
  relay: 7_002,
  waiting: 7_003,
  live: 7_004,
  administrators: 7_013,
} as const;

/** Returns whether an advisory lock was acquired for the rest of the transaction, without waiting. */
export async function tryLock(client: Queryable, lock: number): Promise<boolean> {
  const { rows } = await client.query<{ locked: boolean }>(
    'select pg_try_advisory_xact_lock($1) as locked',
    [lock],
  );
  return rows[0]?.locked === true;
}
