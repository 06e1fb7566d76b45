import pg from 'pg';
import { config } from './config.ts';
import { messageOf } from './errors.ts';
import { logger } from './logger.ts';

/** What a query needs: the pool, or the client of a transaction. */
export type Queryable = Pick<pg.ClientBase, 'query'>;

/** Ids and counts of the catalogue stay below 2^53; bigint comes as a number. */
const types: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) =>
    oid === pg.types.builtins.INT8 && format !== 'binary'
      ? Number
      : pg.types.getTypeParser(oid, format),
};

let pool: pg.Pool | undefined;

/** The one pool of this process for the catalogue database. */
export function catalogue(): pg.Pool {
  if (!pool) {
    pool = new pg.Pool({
      connectionString: config().catalogueUrl,
      max: 10,
      connectionTimeoutMillis: 5_000,
      idleTimeoutMillis: 60_000,
      statement_timeout: 15_000,
      // Our statements are over before a compiler would have begun, however the planner guesses.
      options: '-c jit=off',
      // A function frozen between two statements must not hold locks for the others.
      idle_in_transaction_session_timeout: 10_000,
      application_name: 'streamsync',
      keepAlive: true,
      types,
    });
    // Without these listeners a connection that the server closes would end the process: idle in the
    // pool, or checked out between two statements (a function that was frozen in a transaction).
    pool.on('connect', (client) => client.on('error', () => undefined));
    pool.on('error', (error) =>
      logger.warn('catalogue connection lost', { reason: messageOf(error) }),
    );
  }
  return pool;
}

/** Runs `work` in a transaction: committed when it resolves, rolled back when it throws. */
export async function transaction<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await catalogue().connect();
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

/** Who gets a lock looks after the work; who does not, leaves it to that one and looks again later. */
export const locks = { dispatch: 7_001, relay: 7_002, waiting: 7_003 } as const;

/** Takes an advisory lock for the rest of the transaction, or returns false at once. */
export async function tryLock(client: Queryable, lock: number): Promise<boolean> {
  const { rows } = await client.query<{ locked: boolean }>(
    'select pg_try_advisory_xact_lock($1) as locked',
    [lock],
  );
  return rows[0]?.locked === true;
}
