import { randomUUIDv7 } from 'node:crypto';
import type { Code } from '../contracts/codes.ts';
import { cancelExport, cancelWaitingUnits } from '../exports/cancel.ts';
import { emitOutcome } from '../exports/outcomes.ts';
import { activeStates, move, type State, settle } from '../exports/states.ts';
import type { Queryable } from '../runtime/catalogue.ts';
import type {
  Checkpoint,
  FinalizeClaim,
  Outcome,
  Piece,
  PieceClaim,
  WholeClaim,
} from './attempt.ts';
import { Cancelled, Fenced } from './lease.ts';

/** A unit to end: by its attempt, which must still hold it, or (null) by who has just taken it away. */
export interface UnitToEnd {
  unitId: string;
  exportId: string;
  attemptId: string | null;
}

interface Failure {
  code: Code;
  message: string;
}

interface Standing {
  /** Whether its units may still be worked on. */
  active: boolean;
  cancelRequested: boolean;
}

/** Locks the export, as everybody does who ends a unit, before the unit. */
async function lockExport(client: Queryable, exportId: string): Promise<Standing> {
  const { rows } = await client.query<{ state: State; cancel_requested_at: Date | null }>(
    'select state, cancel_requested_at from exports where id = $1 for update',
    [exportId],
  );
  const [row] = rows;
  return {
    active: activeStates.some((state) => state === row?.state),
    cancelRequested: row?.cancel_requested_at !== null,
  };
}

/**
 * Ends a unit and its attempt, conditional on the attempt: throws `Fenced` if another holds the unit
 * now.
 */
async function endUnit(
  client: Queryable,
  { unitId, attemptId }: UnitToEnd,
  unitState: 'done' | 'failed' | 'cancelled' | 'queued',
  attemptState: 'done' | 'failed' | 'cancelled' | 'retried' | 'yielded',
  failure: Failure | null = null,
  afterSeconds: number | null = null,
): Promise<void> {
  const { rowCount } = await client.query(
    `update units set state = $3, lease_until = null, attempt_id = null, running_since = null,
       retries = retries + case when $4::float8 is null then 0 else 1 end,
       not_before = coalesce(now() + make_interval(secs => $4), not_before)
     where id = $1 and ($2::uuid is null or (attempt_id = $2 and state = 'running'))`,
    [unitId, attemptId, unitState, afterSeconds],
  );
  if (rowCount !== 1) throw new Fenced();
  if (attemptId !== null)
    await client.query(
      `update attempts set state = $2, ended_at = now(), failure = $3,
         kept = $2 in ('done', 'yielded')
       where id = $1`,
      [attemptId, attemptState, failure],
    );
}

/** The end of a unit that did not get there. Its export fails with it, and its other units stop. */
export async function failUnit(
  client: Queryable,
  unit: UnitToEnd,
  failure: Failure,
): Promise<void> {
  await lockExport(client, unit.exportId);
  await endUnit(client, unit, 'failed', 'failed', failure);
  await cancelWaitingUnits(client, unit.exportId);
  const { rowCount } = await client.query(
    `update exports set error_code = $2, error_message = $3 where id = $1 and state = any($4)`,
    [unit.exportId, failure.code, failure.message, activeStates],
  );
  if (rowCount !== 1) return;
  await move(client, unit.exportId, 'failed');
  await emitOutcome(client, unit.exportId, 'failed');
}

export async function cancelUnit(client: Queryable, unit: UnitToEnd): Promise<void> {
  await lockExport(client, unit.exportId);
  await endUnit(client, unit, 'cancelled', 'cancelled');
  await cancelExport(client, unit.exportId);
}

/** Back into the queue: the attempt met something that may be better later. */
export async function retryUnit(
  client: Queryable,
  unit: UnitToEnd,
  failure: Failure,
  afterSeconds: number,
): Promise<void> {
  const { active, cancelRequested } = await lockExport(client, unit.exportId);
  // Nobody would give it out again, nor end its export.
  if (cancelRequested) {
    await endUnit(client, unit, 'cancelled', 'cancelled');
    await cancelExport(client, unit.exportId);
    return;
  }
  await endUnit(client, unit, active ? 'queued' : 'cancelled', 'retried', failure, afterSeconds);
  await settle(client, unit.exportId);
}

/** Back into the queue, to go on where it stopped: its invocation has no more time. */
export async function yieldUnit(
  client: Queryable,
  claim: FinalizeClaim,
  checkpoint: Checkpoint,
): Promise<void> {
  const { cancelRequested } = await lockExport(client, claim.exportId);
  if (cancelRequested) throw new Cancelled();
  await endUnit(client, claim, 'queued', 'yielded');
  await client.query('update units set checkpoint = $2 where id = $1', [claim.unitId, checkpoint]);
  await settle(client, claim.exportId);
}

/** One piece is there. The last of them makes way for the unit that puts them together. */
export async function finishPiece(
  client: Queryable,
  claim: PieceClaim,
  piece: Piece,
): Promise<void> {
  const { active, cancelRequested } = await lockExport(client, claim.exportId);
  if (cancelRequested || !active) throw new Cancelled();
  await endUnit(client, claim, 'done', 'done');
  await client.query(
    'update units set rows = $2, bytes = $3, outcome = $4, object_key = $5 where id = $1',
    [claim.unitId, piece.rows, piece.bytes, piece, claim.objectKey],
  );
  const { rows } = await client.query<{ complete: boolean; run: number }>(
    `update exports set units_done = units_done + 1 where id = $1
     returning units_done = units_total as complete, run`,
    [claim.exportId],
  );
  if (rows[0]?.complete)
    await client.query(
      `insert into units (id, export_id, run, kind, source, planned_connections)
       values ($1, $2, $3, 'finalize', $4, 0)`,
      [randomUUIDv7(), claim.exportId, rows[0].run, claim.source],
    );
  await settle(client, claim.exportId);
}

/** The object of an export: this attempt's, or that of a former one whose object was found or gone on with. */
export interface FinishedObject {
  key: string;
  /** Only an object with this one is delivered. */
  etag: string;
}

/** `ready`, manifest, event and the release of the slot, all or nothing. */
export async function finishExport(
  client: Queryable,
  claim: WholeClaim | FinalizeClaim,
  object: FinishedObject,
  outcome: Outcome,
  contentType: string,
): Promise<void> {
  const { cancelRequested } = await lockExport(client, claim.exportId);
  if (cancelRequested) throw new Cancelled();
  await endUnit(client, claim, 'done', 'done');
  const { rows, bytes, sha256, manifest } = outcome;
  if (claim.kind === 'whole')
    await client.query('update units set rows = $2, bytes = $3 where id = $1', [
      claim.unitId,
      rows,
      bytes,
    ]);
  const file = { name: manifest.file.name, bytes, rows, sha256, contentType };
  await client.query(
    `update exports set file = $2, manifest = $3, object_key = $4, object_etag = $5,
       units_done = units_total, finished_at = now(),
       expires_at = now() + make_interval(secs => (request->>'ttlSeconds')::int)
     where id = $1`,
    [claim.exportId, file, manifest, object.key, object.etag],
  );
  if (!(await move(client, claim.exportId, 'ready'))) throw new Fenced();
  // The pieces are in the file: the sweep may clear them.
  await client.query('update attempts set kept = (object_key = $2) where export_id = $1', [
    claim.exportId,
    object.key,
  ]);
  await emitOutcome(client, claim.exportId, 'completed');
}
