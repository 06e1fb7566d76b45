import pg from 'pg';
import { config } from '../runtime/config.ts';
import { codeOf, messageOf, Refusal } from '../runtime/errors.ts';
import { logger } from '../runtime/logger.ts';
import { SourceSocket } from './source-socket.ts';

/** Same text for the same value, and the same order, whatever the defaults of the server or the role are. */
const canonicalSettings = Object.entries({
  TimeZone: 'UTC',
  DateStyle: 'ISO,MDY',
  IntervalStyle: 'postgres',
  extra_float_digits: '1',
  bytea_output: 'hex',
  client_encoding: 'UTF8',
  // A table is read from its beginning, whoever else is reading it.
  synchronize_seqscans: 'off',
})
  .map(([name, value]) => `-c ${name}=${value}`)
  .join(' ');

function settingsOf(source: string) {
  const settings = config().sources.get(source);
  if (!settings) throw new Refusal('source_unavailable', `The source ${source} is not configured.`);
  return settings;
}

type Purpose = 'metadata' | 'preview';
const pools = new Map<string, pg.Pool>();

/** A small pool for questions about a source (what is in it); never for reading exports. */
export const metadataPool = (source: string): pg.Pool =>
  poolFor(source, 'metadata', { max: 3, statement_timeout: 5_000 });

/** A smaller one for first rows: whoever looks at slow ones does not keep others from asking for exports. */
export const previewPool = (source: string): pg.Pool => poolFor(source, 'preview', { max: 2 });

function poolFor(source: string, purpose: Purpose, own: pg.PoolConfig): pg.Pool {
  const key = `${purpose} ${source}`;
  let pool = pools.get(key);
  if (!pool) {
    pool = new pg.Pool({
      connectionString: settingsOf(source).url,
      connectionTimeoutMillis: 3_000,
      idleTimeoutMillis: 10_000,
      application_name: `streamsync:${purpose}`,
      // Bounds of units come as text and go back as text.
      options: canonicalSettings,
      ...own,
    });
    pool.on('connect', (client) => client.on('error', () => undefined));
    pool.on('error', (error) =>
      logger.warn('source connection lost', { source, reason: messageOf(error) }),
    );
    pools.set(key, pool);
  }
  return pool;
}

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
  const client = new pg.Client({
    connectionString: settingsOf(source).url,
    connectionTimeoutMillis: 5_000,
    application_name: applicationNameOf(attemptId),
    statement_timeout: statementTimeoutSeconds * 1_000,
    keepAlive: true,
    options: canonicalSettings,
    stream: () => new SourceSocket(),
  });
  // The COPY stream reports the loss of the connection; this only keeps it from ending the process.
  client.on('error', (error) =>
    logger.warn('source connection lost', { source, attemptId, reason: messageOf(error) }),
  );
  await client.connect();
  return client;
}

/** Ends what an attempt still runs on its source. Best effort: its lease and fence are the guarantee. */
export async function endBackends(source: string, attemptId: string): Promise<void> {
  try {
    await metadataPool(source).query(
      'select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1',
      [applicationNameOf(attemptId)],
    );
  } catch (error) {
    logger.warn('backends of an attempt not ended', { source, attemptId, code: codeOf(error) });
  }
}
