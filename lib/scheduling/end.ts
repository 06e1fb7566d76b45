import type { Code } from '../contracts/codes.ts';
import { emitOutcome } from '../exports/outcomes.ts';
import { move } from '../exports/states.ts';
import type { Queryable } from '../runtime/catalogue.ts';
import type { Claim, Outcome } from './attempt.ts';
import { Fenced } from './lease.ts';

/** A unit to end: by its attempt, which must still hold it, or (null) by who has just taken it away. */
export interface UnitToEnd {
  unitId: string;
  exportId: string;
  attemptId: string | null;
}

/**
 * Ends a unit and its attempt, conditional on the attempt: throws `Fenced` if another holds the unit
 * now. The export row is locked first, as everywhere.
 */
async function endUnit(
  client: Queryable,
  { unitId, exportId, attemptId }: UnitToEnd,
  unitState: 'done' | 'failed' | 'cancelled' | 'queued',
  attemptState: 'done' | 'failed' | 'cancelled' | 'retried',
): Promise<void> {
  await client.query('select 1 from exports where id = $1 for update', [exportId]);
  const { rowCount } = await client.query(
    `update units set state = $3, lease_until = null, attempt_id = null
     where id = $1 and ($2::uuid is null or (attempt_id = $2 and state = 'running'))`,
    [unitId, attemptId, unitState],
  );
  if (rowCount !== 1) throw new Fenced();
  if (attemptId !== null)
    await client.query('update attempts set state = $2, ended_at = now() where id = $1', [
      attemptId,
      attemptState,
    ]);
}

/** The end of a unit that did not get there. Its export fails with it. */
export async function failUnit(
  client: Queryable,
  unit: UnitToEnd,
  error: { code: Code; message: string },
): Promise<void> {
  await endUnit(client, unit, 'failed', 'failed');
  await client.query('update exports set error_code = $2, error_message = $3 where id = $1', [
    unit.exportId,
    error.code,
    error.message,
  ]);
  await move(client, unit.exportId, 'failed');
  await emitOutcome(client, unit.exportId, 'failed');
}

export async function cancelUnit(client: Queryable, unit: UnitToEnd): Promise<void> {
  await endUnit(client, unit, 'cancelled', 'cancelled');
  await move(client, unit.exportId, 'cancelled');
  await emitOutcome(client, unit.exportId, 'cancelled');
}

/** Back into the queue: the attempt met something that may be better later. */
export async function retryUnit(
  client: Queryable,
  unit: UnitToEnd,
  afterSeconds: number,
): Promise<void> {
  await endUnit(client, unit, 'queued', 'retried');
  await client.query(
    `update units set retries = retries + 1, not_before = now() + make_interval(secs => $2)
     where id = $1`,
    [unit.unitId, afterSeconds],
  );
  await move(client, unit.exportId, 'queued');
}

/**
 * `ready`, manifest, event and the release of the slot, all or nothing. `objectKey` is this attempt's,
 * or that of a lost one whose complete object was found.
 */
export async function finishExport(
  client: Queryable,
  claim: Claim,
  objectKey: string,
  outcome: Outcome,
  contentType: string,
): Promise<void> {
  await endUnit(client, claim, 'done', 'done');
  const { rows, bytes, sha256, manifest } = outcome;
  await client.query('update units set rows = $2, bytes = $3 where id = $1', [
    claim.unitId,
    rows,
    bytes,
  ]);
  const file = { name: manifest.file.name, bytes, rows, sha256, contentType };
  await client.query(
    `update exports set file = $2, manifest = $3, object_key = $4,
       units_done = units_done + 1, finished_at = now(),
       expires_at = now() + make_interval(secs => (request->>'ttlSeconds')::int)
     where id = $1`,
    [claim.exportId, file, manifest, objectKey],
  );
  if (!(await move(client, claim.exportId, 'ready'))) throw new Fenced();
  await emitOutcome(client, claim.exportId, 'completed');
}
