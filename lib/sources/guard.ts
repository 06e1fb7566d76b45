import type { Queryable } from '../runtime/catalogue.ts';
import { config } from '../runtime/config.ts';
import { Refusal } from '../runtime/errors.ts';

/**
 * Seconds since the last transaction that a replica has replayed; none if it is connected to its primary and has
 * replayed all there is. One that is cut off has replayed all it got, and nobody knows what it lacks.
 */
const lag = `
  select case when pg_is_in_recovery() and (not exists (select 1 from pg_stat_wal_receiver)
      or pg_last_wal_receive_lsn() is distinct from pg_last_wal_replay_lsn())
    then extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp())::float8 end as seconds`;

/** Throws `source_lagging` if the source is a replica that is further behind than it may be. */
export async function requireFresh(client: Queryable, source: string): Promise<void> {
  const most = config().sources.get(source)?.maxLagSeconds;
  if (most === undefined) return;
  const { rows } = await client.query<{ seconds: number | null }>(lag);
  const seconds = Math.round(rows[0]?.seconds ?? 0);
  if (seconds > most)
    throw new Refusal(
      'source_lagging',
      `Database ${source} is ${seconds} s behind its primary; it is not read when it is more than ${most} s behind.`,
    );
}
