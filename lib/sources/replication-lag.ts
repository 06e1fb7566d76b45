import type { Queryable } from '../runtime/catalogue.ts';
import { config } from '../runtime/config.ts';
import { AppError } from '../runtime/errors.ts';

/**
 * `lagging`: a replica may lack transactions unless it is connected to its primary and has replayed everything it
 * received. A disconnected replica may lack any number. `seconds`: since the last transaction that it has replayed,
 * null if it has replayed none since its start.
 */
const replicationLagSql = `
  select pg_is_in_recovery() as "isReplica", pg_is_in_recovery() and (not exists (select 1 from pg_stat_wal_receiver)
      or pg_last_wal_receive_lsn() is distinct from pg_last_wal_replay_lsn()) as lagging,
    extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp())::float8 as seconds`;

interface ReplicationLag {
  isReplica: boolean;
  lagging: boolean;
  seconds: number | null;
}

/** Returns how far a source lags its primary. */
export async function replicationLag(client: Queryable): Promise<ReplicationLag> {
  const { rows } = await client.query<ReplicationLag>(replicationLagSql);
  const [lag] = rows;
  if (!lag) throw new Error('the source returned no lag');
  return lag;
}

/** Throws `source_lagging` if the source is a replica that lags more than its `maxLagSeconds`. */
export async function assertNotLagging(client: Queryable, source: string): Promise<void> {
  const maxLagSeconds = config().sources.get(source)?.maxLagSeconds;
  if (maxLagSeconds === undefined) return;
  const { lagging, seconds } = await replicationLag(client);
  if (!lagging || (seconds !== null && seconds <= maxLagSeconds)) return;
  const lag = seconds === null ? 'an unknown time' : `${Math.round(seconds)} s`;
  throw new AppError(
    'source_lagging',
    `Database ${source} lags its primary by ${lag}; the limit for reading it is ${maxLagSeconds} s.`,
  );
}
