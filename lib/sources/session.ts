import type { Socket } from 'node:net';
import pg from 'pg';
import { config } from '../runtime/config.ts';
import { AppError } from '../runtime/errors.ts';

/**
 * Settings that decide the text of a value, the order of values and the meaning of a name, and that forbid writing.
 * Every session starts with them, whatever the defaults of the server, the database or the role are. A statement may
 * change them for later statements, so each transaction is read-only by its own BEGIN, and a session is reset after an
 * error.
 */
const settings = {
  default_transaction_read_only: 'on',
  search_path: 'pg_catalog,public,pg_temp',
  TimeZone: 'UTC',
  DateStyle: 'ISO,MDY',
  IntervalStyle: 'postgres',
  extra_float_digits: '1',
  bytea_output: 'hex',
  lc_monetary: 'C',
  client_encoding: 'UTF8',
  standard_conforming_strings: 'on',
  quote_all_identifiers: 'off',
  transform_null_equals: 'off',
  array_nulls: 'on',
  // A value of xml may be a fragment of a document.
  xmloption: 'content',
  xmlbinary: 'base64',
  // Otherwise a view that uses a GIN index would leave rows out.
  gin_fuzzy_search_limit: '0',
  // Only the selected partitions are locked.
  enable_partition_pruning: 'on',
  // Otherwise an error of a dataset would end the connection.
  exit_on_error: 'off',
  // A table is read from its first page even while another session reads it.
  synchronize_seqscans: 'off',
};

interface Session {
  /** Application name of its backend in `pg_stat_activity`. */
  name: string;
  connectMs: number;
  statementMs: number;
  /** How long it waits for a lock, for example of a table that is being altered. */
  lockMs: number;
  /** How long the server keeps a transaction, and so its snapshot, for an idle client. */
  idleInTransactionMs: number;
  /** How long the server keeps an idle connection outside a transaction; 0: for ever. */
  idleSessionMs: number;
}

/** Returns a client of a source that is not connected yet. Throws `source_unavailable` if the source is not configured. */
export function newSession(source: string, session: Session, socket: Socket): pg.Client {
  const configured = config().sources.get(source);
  if (!configured) throw new AppError('source_unavailable', `Source ${source} is not configured.`);
  const options = Object.entries({
    ...settings,
    statement_timeout: session.statementMs,
    lock_timeout: session.lockMs,
    idle_in_transaction_session_timeout: session.idleInTransactionMs,
    idle_session_timeout: session.idleSessionMs,
  });
  return new pg.Client({
    connectionString: configured.url,
    connectionTimeoutMillis: session.connectMs,
    application_name: session.name,
    keepAlive: true,
    options: options.map(([name, value]) => `-c ${name}=${value}`).join(' '),
    stream: () => socket,
  });
}

/**
 * Removes the role's limit on transactions. PostgreSQL before 17 does not know this setting, so it cannot be among the
 * options of the connection. Repeat it after a session was reset.
 */
export const withoutTransactionTimeout = `select set_config('transaction_timeout', '0', false)
  where current_setting('transaction_timeout', true) is not null`;

/** Connects the client and removes the role's limit on transactions. Throws the errors of connecting. */
export async function openSession(client: pg.Client): Promise<void> {
  await client.connect();
  await client.query(withoutTransactionTimeout);
}
