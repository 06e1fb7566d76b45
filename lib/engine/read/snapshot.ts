import type pg from 'pg';
import { selectionFor, withSourceColumn } from '../exports/selection.ts';
import type { PieceClaim, WholeClaim } from '../scheduling/attempt.ts';
import { StillChanging } from '../sources/faults.ts';
import { hold } from '../sources/hold.ts';
import { countRowsWithoutTime, type Selection } from '../sources/query.ts';
import { isRowSecurityActive } from '../sources/row-security.ts';

/** What is to be read, and the moment of the source that it shows. */
export interface Snapshot {
  selection: Selection;
  asOf: Date;
  lsn: string;
  /** Policies of the source may leave out rows. */
  rowSecurity: boolean;
}

/** Whoever rewrites a dataset more often than it can be locked gets so many tries of ours in a row. */
const mostTries = 5;

/**
 * The snapshot comes first, and then the lock, because a lock that needs no more rights than reading is taken by
 * reading. TRUNCATE and rewriting ALTERs do not respect snapshots: one that was waited for would leave us a table
 * that looks empty, so that then all begins anew.
 */
export async function beginSnapshot(
  client: pg.Client,
  claim: WholeClaim | PieceClaim,
): Promise<Snapshot> {
  for (let tries = 0; tries < mostTries; tries++) {
    const snapshot = await takeSnapshot(client, claim);
    if (await hold(client, snapshot.selection)) return snapshot;
    await client.query('rollback');
  }
  throw new StillChanging(claim.request.dataset);
}

async function takeSnapshot(
  client: pg.Client,
  { source, request, ...claim }: WholeClaim | PieceClaim,
): Promise<Snapshot> {
  await client.query('begin isolation level repeatable read read only');
  const { rows } = await client.query<{ as_of: Date; lsn: string }>(
    `select clock_timestamp() as as_of,
       (case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end)::text as lsn`,
  );
  const [position] = rows;
  if (!position) throw new Error('the source gave no snapshot');
  const selection = withSourceColumn(await selectionFor(client, source, request), source, request);
  const range = claim.kind === 'piece' ? (claim.range ?? undefined) : undefined;
  return {
    selection: { ...selection, range },
    asOf: position.as_of,
    lsn: position.lsn,
    rowSecurity: await isRowSecurityActive(client, selection.dataset),
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
