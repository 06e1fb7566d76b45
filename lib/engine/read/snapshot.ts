import type pg from 'pg';
import { selectionFor, withSourceColumn } from '../../exports/planning/selection.ts';
import type { ReadClaim, WholeClaim } from '../../scheduling/claim-types.ts';
import { countRowsWithoutTimeSql, type Selection } from '../../sources/query.ts';
import { isRowSecurityActive } from '../../sources/row-security.ts';
import { StillChangingError } from '../../sources/source-errors.ts';
import { hold } from '../../sources/table-locks.ts';
import { readStreamCursor } from './stream-position.ts';

/** A selection and the time and WAL position of the snapshot that it is read under. */
export interface Snapshot {
  selection: Selection;
  asOf: Date;
  lsn: string;
  /** The position in the stream of readings, if this is a snapshot of them. */
  cursor: string | undefined;
  /** True if row security policies of the source may hide rows. */
  rowSecurity: boolean;
}

/** Snapshots tried in a row while another session rewrites the dataset before it can be locked. */
const maxTries = 5;

/**
 * Begins a transaction with a snapshot of the source and locks the relation. The snapshot comes before the lock,
 * because the role may only read, and a lock that needs no other right is acquired by reading. TRUNCATE and rewriting
 * ALTERs do not respect snapshots: if the lock had to wait for one, the table would look empty, so a new snapshot is
 * tried.
 */
export async function beginSnapshot(
  client: pg.Client,
  claim: WholeClaim | ReadClaim,
): Promise<Snapshot> {
  for (let tries = 0; tries < maxTries; tries++) {
    const snapshot = await createSnapshot(client, claim);
    if (await hold(client, snapshot.selection)) return snapshot;
    await client.query('rollback');
  }
  throw new StillChangingError(claim.request.dataset);
}

async function createSnapshot(
  client: pg.Client,
  { source, request, grants, ...claim }: WholeClaim | ReadClaim,
): Promise<Snapshot> {
  await client.query('begin isolation level repeatable read read only');
  const { rows } = await client.query<{ as_of: Date; lsn: string }>(
    `select clock_timestamp() as as_of,
       (case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end)::text as lsn`,
  );
  const [position] = rows;
  if (!position) throw new Error('the source returned no snapshot');
  const selection = withSourceColumn(
    await selectionFor(client, source, request, grants),
    source,
    request,
  );
  const range = claim.kind === 'read' ? (claim.range ?? undefined) : undefined;
  return {
    selection: { ...selection, range },
    asOf: position.as_of,
    lsn: position.lsn,
    cursor:
      request.consistency === 'snapshot'
        ? await readStreamCursor(client, source, selection.dataset)
        : undefined,
    rowSecurity: await isRowSecurityActive(client, selection.dataset),
  };
}

/** Returns how many rows have no time. They are in no unit's range, so the first unit of a source counts them. */
export async function countRowsWithoutTime(
  client: pg.Client,
  claim: WholeClaim | ReadClaim,
  selection: Selection,
): Promise<number> {
  const countSql = countRowsWithoutTimeSql(selection);
  const isFirst = claim.kind === 'whole' || claim.range === null || claim.range.from === null;
  if (countSql === null || !isFirst) return 0;
  const { rows } = await client.query<{ rows: string }>(countSql);
  return Number(rows[0]?.rows);
}
