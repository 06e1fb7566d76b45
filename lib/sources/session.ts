import type { Socket } from 'node:net';
import pg from 'pg';
import { config } from '../runtime/config.ts';
import { Refusal } from '../runtime/errors.ts';

/**
 * What decides on the text of a value, its order, or what a name means, and that nothing is written: whatever
 * the defaults of the server, the database or the role are, a session of ours begins with these. A statement
 * may change them for those after it: a transaction of ours is read-only by its own BEGIN, and a session that
 * has met an error begins anew.
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
  // Text that is no whole document is a value of xml, too.
  xmloption: 'content',
  xmlbinary: 'base64',
  // A view that searches by an index of GIN would leave rows out.
  gin_fuzzy_search_limit: '0',
  // Partitions that are not wanted are not locked.
  enable_partition_pruning: 'on',
  // An error of a dataset would end the connection.
  exit_on_error: 'off',
  // A table is read from its beginning, whoever else is reading it.
  synchronize_seqscans: 'off',
};

interface Session {
  /** By which its backend is known in `pg_stat_activity`. */
  name: string;
  connectMilliseconds: number;
  statementMilliseconds: number;
  /** How long it waits for somebody's lock: that of a table which is being altered. */
  lockMilliseconds: number;
  /** How long its server keeps a transaction, and so what it sees, for a client that is silent. */
  idleInTransactionMilliseconds: number;
  /** How long it keeps the connection outside of one; 0: for ever. */
  idleSessionMilliseconds: number;
}

/** A connection to a source that is not open yet. */
export function newSession(source: string, session: Session, socket: Socket): pg.Client {
  const own = config().sources.get(source);
  if (!own) throw new Refusal('source_unavailable', `The source ${source} is not configured.`);
  const options = Object.entries({
    ...settings,
    statement_timeout: session.statementMilliseconds,
    lock_timeout: session.lockMilliseconds,
    idle_in_transaction_session_timeout: session.idleInTransactionMilliseconds,
    idle_session_timeout: session.idleSessionMilliseconds,
  });
  return new pg.Client({
    connectionString: own.url,
    connectionTimeoutMillis: session.connectMilliseconds,
    application_name: session.name,
    keepAlive: true,
    options: options.map(([name, value]) => `-c ${name}=${value}`).join(' '),
    stream: () => socket,
  });
}

/**
 * Takes a limit of the role back that servers before PostgreSQL 17 do not know, so that it cannot be among the
 * options of the connection. To be repeated where a session has been reset.
 */
export const withoutTransactionTimeout = `select set_config(name, '0', false) from pg_settings where name = 'transaction_timeout'`;

/** Connects. Throws what connecting throws. */
export async function openSession(client: pg.Client): Promise<void> {
  await client.connect();
  await client.query(withoutTransactionTimeout);
}
