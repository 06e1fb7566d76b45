import { randomUUIDv7 } from 'node:crypto';
import type { Code } from '../contracts/codes.ts';
import { publishResult } from '../exports/events/result-events.ts';
import { cancelExport, cancelWaitingUnits } from '../exports/lifecycle/cancel.ts';
import {
  activeStates,
  type State,
  syncExportState,
  transition,
} from '../exports/lifecycle/states.ts';
import { addUsage, requireDailyQuota } from '../exports/quotas.ts';
import type { Queryable } from '../runtime/catalogue.ts';
import type {
  Checkpoint,
  FileResult,
  FinalizeClaim,
  ReadClaim,
  UnitOutput,
  WholeClaim,
} from './claim-types.ts';
import { CancelledError, FencedError } from './lease.ts';

/** A unit to end. `attemptId` must still hold it; null if the caller has locked the unit and ended its attempt. */
export interface UnitRef {
  unitId: string;
  exportId: string;
  attemptId: string | null;
}

interface Failure {
  code: Code;
  message: string;
}

interface LockedExport {
  /** Whether its units may still run. */
  active: boolean;
  cancelRequested: boolean;
}

/** Locks the export. Every transaction that ends a unit does this before it locks the unit. */
async function lockExport(client: Queryable, exportId: string): Promise<LockedExport> {
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

/** Ends a unit and its attempt. Throws `FencedError` if another attempt holds the unit. */
async function endUnit(
  client: Queryable,
  { unitId, attemptId }: UnitRef,
  unitState: 'done' | 'failed' | 'cancelled' | 'queued',
  attemptState: 'done' | 'failed' | 'cancelled' | 'retried' | 'yielded',
  failure: Failure | null = null,
  retryAfterSeconds: number | null = null,
): Promise<void> {
  const { rowCount } = await client.query(
    `update units set state = $3, lease_until = null, attempt_id = null, running_since = null,
       retries = retries + case when $4::float8 is null then 0 else 1 end,
       not_before = coalesce(now() + make_interval(secs => $4), not_before)
     where id = $1 and ($2::uuid is null or (attempt_id = $2 and state = 'running'))`,
    [unitId, attemptId, unitState, retryAfterSeconds],
  );
  if (rowCount !== 1) throw new FencedError();
  if (attemptId !== null)
    await client.query(
      `update attempts set state = $2, ended_at = now(), failure = $3,
         kept = $2 in ('done', 'yielded')
       where id = $1`,
      [attemptId, attemptState, failure],
    );
}

/** Fails a unit and its export, and cancels the other units of the export. */
export async function failUnit(client: Queryable, unit: UnitRef, failure: Failure): Promise<void> {
  await lockExport(client, unit.exportId);
  await endUnit(client, unit, 'failed', 'failed', failure);
  await cancelWaitingUnits(client, unit.exportId);
  const { rowCount } = await client.query(
    `update exports set error_code = $2, error_message = $3 where id = $1 and state = any($4)`,
    [unit.exportId, failure.code, failure.message, activeStates],
  );
  if (rowCount !== 1) return;
  await transition(client, unit.exportId, 'failed');
  await publishResult(client, unit.exportId, 'failed');
}

export async function cancelUnit(client: Queryable, unit: UnitRef): Promise<void> {
  await lockExport(client, unit.exportId);
  await endUnit(client, unit, 'cancelled', 'cancelled');
  await cancelExport(client, unit.exportId);
}

/** Requeues a unit after an error that may pass. Cancels it instead if cancellation was requested. */
export async function retryUnit(
  client: Queryable,
  unit: UnitRef,
  failure: Failure,
  retryAfterSeconds: number,
): Promise<void> {
  const { active, cancelRequested } = await lockExport(client, unit.exportId);
  // A queued unit of this export would not be dispatched again, and no attempt would end the export.
  if (cancelRequested) {
    await endUnit(client, unit, 'cancelled', 'cancelled');
    await cancelExport(client, unit.exportId);
    return;
  }
  await endUnit(
    client,
    unit,
    active ? 'queued' : 'cancelled',
    'retried',
    failure,
    retryAfterSeconds,
  );
  await syncExportState(client, unit.exportId);
}

/** Requeues a finalize unit whose invocation ran out of time; the next attempt continues at the checkpoint. */
export async function yieldUnit(
  client: Queryable,
  unit: UnitRef,
  checkpoint: Checkpoint,
): Promise<void> {
  const { cancelRequested } = await lockExport(client, unit.exportId);
  if (cancelRequested) throw new CancelledError();
  await endUnit(client, unit, 'queued', 'yielded');
  await client.query('update units set checkpoint = $2 where id = $1', [unit.unitId, checkpoint]);
  await syncExportState(client, unit.exportId);
}

/** Ends a read unit. The last one of a run queues the finalize unit. */
export async function finishReadUnit(
  client: Queryable,
  claim: ReadClaim,
  output: UnitOutput,
): Promise<void> {
  const { active, cancelRequested } = await lockExport(client, claim.exportId);
  if (cancelRequested || !active) throw new CancelledError();
  await endUnit(client, claim, 'done', 'done');
  await client.query(
    'update units set rows = $2, bytes = $3, outcome = $4, object_key = $5 where id = $1',
    [claim.unitId, output.rows, output.bytes, output, claim.objectKey],
  );
  await addUsage(client, claim.exportId, output);
  await requireDailyQuota(client, claim.exportId);
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
  await syncExportState(client, claim.exportId);
}

/** The object of an export, written by this attempt or adopted from an earlier one. */
export interface FinishedObject {
  key: string;
  /** Only an object with this ETag is delivered. */
  etag: string;
}

/** Sets the export to `ready`, stores manifest and event, and releases the slot, in one transaction. */
export async function finishExport(
  client: Queryable,
  claim: WholeClaim | FinalizeClaim,
  object: FinishedObject,
  outcome: FileResult,
  contentType: string,
): Promise<void> {
  const { cancelRequested } = await lockExport(client, claim.exportId);
  if (cancelRequested) throw new CancelledError();
  await endUnit(client, claim, 'done', 'done');
  const { rows, bytes, sha256, manifest } = outcome;
  if (claim.kind === 'whole')
    await client.query('update units set rows = $2, bytes = $3 where id = $1', [
      claim.unitId,
      rows,
      bytes,
    ]);
  if (claim.kind === 'whole') {
    await addUsage(client, claim.exportId, { rows, bytes });
    await requireDailyQuota(client, claim.exportId);
  }
  const file = { name: manifest.file.name, bytes, rows, sha256, contentType };
  await client.query(
    `update exports set file = $2, manifest = $3, object_key = $4, object_etag = $5,
       units_done = units_total, finished_at = now(),
       expires_at = now() + make_interval(secs => (request->>'ttlSeconds')::int)
     where id = $1`,
    [claim.exportId, file, manifest, object.key, object.etag],
  );
  if (!(await transition(client, claim.exportId, 'ready'))) throw new FencedError();
  // The file contains the unit outputs, so the sweep may delete them.
  await client.query('update attempts set kept = (object_key = $2) where export_id = $1', [
    claim.exportId,
    object.key,
  ]);
  await publishResult(client, claim.exportId, 'completed');
}
