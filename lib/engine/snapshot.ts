import type pg from 'pg';
import { selectionFor, withSourceColumn } from '../exports/selection.ts';
import type { PieceClaim, WholeClaim } from '../scheduling/attempt.ts';
import { countRowsWithoutTime, lockDataset, type Selection } from '../sources/query.ts';

/** What is to be read, and the moment of the source that it shows. */
export interface Snapshot {
  selection: Selection;
  asOf: Date;
  lsn: string;
}

/**
 * The lock comes before the snapshot (LOCK takes none): TRUNCATE and rewriting ALTERs do not respect
 * snapshots, and one that came in between would leave us a table that looks empty.
 */
export async function beginSnapshot(
  client: pg.Client,
  { source, request, ...claim }: WholeClaim | PieceClaim,
): Promise<Snapshot> {
  const { dataset } = await selectionFor(client, source, request);
  await client.query('begin isolation level repeatable read read only');
  const lock = lockDataset(dataset);
  if (lock !== null) await client.query(lock);
  const { rows } = await client.query<{ as_of: Date; lsn: string }>(
    `select clock_timestamp() as as_of,
       (case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end)::text as lsn`,
  );
  const [position] = rows;
  if (!position) throw new Error('the source gave no snapshot');
  // Again, now as the snapshot sees it.
  const selection = withSourceColumn(await selectionFor(client, source, request), source, request);
  const range = claim.kind === 'piece' ? (claim.range ?? undefined) : undefined;
  return {
    selection: { ...selection, range },
    asOf: position.as_of,
    lsn: position.lsn,
  };
}

/** Rows without a time are in no unit's range: the first unit of a source counts them for all. */
export async function withoutTime(
  client: pg.Client,
  claim: WholeClaim | PieceClaim,
  selection: Selection,
): Promise<number> {
  const count = countRowsWithoutTime(selection);
  const isFirst = claim.kind === 'whole' || claim.range === null || claim.range.from === null;
  if (count === null || !isFirst) return 0;
  const { rows } = await client.query<{ rows: string }>(count);
  return Number(rows[0]?.rows);
}
