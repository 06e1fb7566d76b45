import type { Queryable } from '../runtime/catalogue.ts';
import { config } from '../runtime/config.ts';
import { Refusal } from '../runtime/errors.ts';

/**
 * Whether a replica may lack something: not if it is connected to its primary and has replayed all there is. One that
 * is cut off has replayed all it got, and nobody knows what it lacks. And the seconds since the last transaction that
 * it has replayed; null if it has replayed none since it was started.
 */
const lag = `
  select pg_is_in_recovery() and (not exists (select 1 from pg_stat_wal_receiver)
      or pg_last_wal_receive_lsn() is distinct from pg_last_wal_replay_lsn()) as behind,
    extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp())::float8 as seconds`;

/** Throws `source_lagging` if the source is a replica that is further behind than it may be. */
export async function requireFresh(client: Queryable, source: string): Promise<void> {
  const most = config().sources.get(source)?.maxLagSeconds;
  if (most === undefined) return;
  const { rows } = await client.query<{ behind: boolean; seconds: number | null }>(lag);
  const [told] = rows;
  if (told?.behind === false || (told?.seconds != null && told.seconds <= most)) return;
  const distance =
    told?.seconds == null
      ? 'behind its primary, and nobody knows how far'
      : `${Math.round(told.seconds)} s behind its primary`;
  throw new Refusal(
    'source_lagging',
    `Database ${source} is ${distance}; it is not read when it is more than ${most} s behind.`,
  );
}
