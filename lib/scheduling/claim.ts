import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { grantsJson } from '../access/grants-json.ts';
import type { ExportRequest } from '../contracts/export-request.ts';
import type { Grant } from '../contracts/grants.ts';
import { syncExportState } from '../exports/lifecycle/states.ts';
import { mayStillRead, rightWithdrawn } from '../exports/rights.ts';
import { type Queryable, transaction } from '../runtime/catalogue.ts';
import { AppError } from '../runtime/errors.ts';
import { sleep } from '../runtime/retry.ts';
import { terminateBackends } from '../sources/connection.ts';
import type { KeyRange } from '../sources/key-ranges.ts';
import { dayClassOf, objectKeyOf, unitOutputClass } from '../storage/object-keys.ts';
import type {
  Checkpoint,
  Claim,
  Delivery,
  FileResult,
  Progress,
  StoredUnitOutput,
  UnitOutput,
} from './claim-types.ts';
import { leaseSeconds, progressOfOtherUnits } from './lease.ts';
import { markAttemptLost, maxLostAttempts, tooManyLostAttempts } from './lost-attempts.ts';
import { reopenSlot } from './slots.ts';
import { cancelUnit, failUnit } from './unit-transitions.ts';

/** A heartbeat is sent every 2 s: an attempt without one for this long has most likely ended. */
const takeoverSeconds = 3;
const takeoverPollMs = 500;

interface UnitRow {
  unit_id: string;
  export_id: string;
  kind: 'read' | 'finalize';
  run: number;
  ordinal: number;
  units_total: number;
  range: KeyRange | null;
  checkpoint: Checkpoint | null;
  source: string;
  planned_connections: number;
  state: string;
  /** Whether its running attempt has had a heartbeat within `takeoverSeconds`. */
  has_heartbeats: boolean;
  attempt_id: string | null;
  lost_attempts: number;
  request: ExportRequest;
  owner_id: string;
  owner_email: string;
  grants: Grant[];
  max_rows: number | null;
  max_bytes: number | null;
  other_units: Progress;
  cancel_requested_at: Date | null;
  permitted: boolean;
}

/**
 * Claims the unit of a delivery. Returns undefined if the delivery is stale or the unit may not run: then the caller
 * acknowledges it and does nothing. A delivery is current if the unit was dispatched with it, or runs from the same
 * partition and offset. The latter is a redelivery, which does not prove that the earlier invocation is over: Lambda
 * promises no order of the two. It is taken for over when its heartbeats are late: then its attempt is marked as lost,
 * and its backends are terminated. Until then this waits; at `end`, by `performance.now()`, it throws `unavailable`, so
 * that the delivery is repeated.
 */
export async function claimUnit(delivery: Delivery, end: number): Promise<Claim | undefined> {
  await reopenSlot(delivery);
  for (;;) {
    const claim = await tryClaim(delivery);
    if (claim !== 'still running') return claim;
    if (performance.now() > end)
      throw new AppError('unavailable', 'An earlier invocation still runs the unit.');
    await sleep(takeoverPollMs);
  }
}

async function tryClaim(delivery: Delivery): Promise<Claim | undefined | 'still running'> {
  const result = await transaction(async (client) => {
    const row = await lockUnit(client, delivery);
    if (!row) return undefined;
    if (row.state === 'running' && row.has_heartbeats) return 'still running';
    const lostAttemptId = row.state === 'running' ? row.attempt_id : null;
    if (lostAttemptId !== null) await markAttemptLost(client, lostAttemptId);
    const unit = { unitId: row.unit_id, exportId: row.export_id, attemptId: null };
    if (row.cancel_requested_at) {
      await cancelUnit(client, unit);
      return { lostAttemptId, source: row.source, claim: undefined };
    }
    if (!row.permitted) {
      await failUnit(client, unit, rightWithdrawn);
      return { lostAttemptId, source: row.source, claim: undefined };
    }
    if (lostAttemptId !== null && row.lost_attempts + 1 >= maxLostAttempts) {
      await failUnit(client, unit, tooManyLostAttempts);
      return { lostAttemptId, source: row.source, claim: undefined };
    }
    return { lostAttemptId, source: row.source, claim: await mint(client, row, delivery) };
  });
  if (result === 'still running') return result;
  if (result?.lostAttemptId) await terminateBackends(result.source, result.lostAttemptId);
  return result?.claim;
}

/** Locks and returns the unit of a current delivery. Locks its export first, as every transaction does. */
async function lockUnit(client: Queryable, delivery: Delivery): Promise<UnitRow | undefined> {
  await client.query(
    'select 1 from exports where id = (select export_id from units where id = $1) for update',
    [delivery.unitId],
  );
  const { rows } = await client.query<UnitRow>(
    `select u.id as unit_id, u.export_id, u.kind, u.run, u.ordinal, e.units_total, u.range, u.checkpoint,
       u.source, u.planned_connections, u.state, u.attempt_id, u.lost_attempts,
       coalesce(u.lease_until > now() + interval '${leaseSeconds - takeoverSeconds} seconds', false) as has_heartbeats,
       e.request, e.owner_id, a.email as owner_email, ${grantsJson('a.id')} as grants, a.max_rows, a.max_bytes, e.cancel_requested_at,
       ${mayStillRead} as permitted,
       ${progressOfOtherUnits} as other_units
     from units u join exports e on e.id = u.export_id join accounts a on a.id = e.owner_id
     where u.id = $1 and u.dispatch_id = $2
       and (u.state = 'dispatched'
         or (u.state = 'running' and u.partition = $3 and u."offset" = $4))
     for update of u`,
    [delivery.unitId, delivery.dispatchId, delivery.partition, delivery.offset],
  );
  return rows[0];
}

/** On AWS the log stream of this instance, elsewhere its host and process. */
const workerName = process.env['AWS_LAMBDA_LOG_STREAM_NAME'] ?? `${hostname()} ${process.pid}`;

/** Creates an attempt and returns its claim. */
async function mint(client: Queryable, row: UnitRow, delivery: Delivery): Promise<Claim> {
  const attemptId = randomUUID();
  const isUnitOutput = row.kind === 'read' && row.units_total > 1;
  const objectKey = objectKeyOf({
    dayClass: isUnitOutput ? unitOutputClass : dayClassOf(row.request.ttlSeconds),
    ownerId: row.owner_id,
    exportId: row.export_id,
    attemptId,
  });
  const base = {
    unitId: row.unit_id,
    exportId: row.export_id,
    attemptId,
    ownerEmail: row.owner_email,
    limits: { maxRows: row.max_rows, maxBytes: row.max_bytes },
    otherUnits: row.other_units,
    source: row.source,
    request: row.request,
    objectKey,
    connections: row.planned_connections,
  };
  const claim: Claim =
    row.kind === 'finalize'
      ? {
          ...base,
          kind: 'finalize',
          unitOutputs: await unitOutputsOf(client, row),
          checkpoint: row.checkpoint,
          completing: await lastCompleting(client, row.unit_id),
        }
      : row.units_total > 1
        ? { ...base, kind: 'read', grants: row.grants, ordinal: row.ordinal, range: row.range }
        : {
            ...base,
            kind: 'whole',
            grants: row.grants,
            completing: wholeOnly(await lastCompleting(client, row.unit_id)),
          };
  await client.query(
    `insert into attempts (id, unit_id, export_id, partition, "offset", object_key, worker)
     values ($1, $2, $3, $4, $5, $6, $7)`,
    [
      attemptId,
      row.unit_id,
      row.export_id,
      delivery.partition,
      delivery.offset,
      objectKey,
      workerName,
    ],
  );
  await client.query(
    `update units set state = 'running', attempt_id = $2, partition = $3, "offset" = $4,
       lease_until = now() + interval '${leaseSeconds} seconds',
       running_since = now(), rows = 0, bytes = 0,
       lost_attempts = lost_attempts + case when state = 'running' then 1 else 0 end
     where id = $1`,
    [row.unit_id, attemptId, delivery.partition, delivery.offset],
  );
  // A lost attempt may have left the export in `completing`.
  await syncExportState(client, row.export_id);
  return claim;
}

async function lastCompleting(
  client: Queryable,
  unitId: string,
): Promise<{ objectKey: string; outcome: FileResult | { bytes: number } } | null> {
  const { rows } = await client.query<{
    object_key: string;
    outcome: FileResult | { bytes: number };
  }>(
    `select coalesce(completing_key, object_key) as object_key, outcome from attempts
     where unit_id = $1 and outcome is not null and state in ('lost', 'retried') and cleared_at is null
     order by started_at desc limit 1`,
    [unitId],
  );
  return rows[0] ? { objectKey: rows[0].object_key, outcome: rows[0].outcome } : null;
}

function wholeOnly(
  completing: { objectKey: string; outcome: FileResult | { bytes: number } } | null,
): { objectKey: string; outcome: FileResult } | null {
  return completing && 'manifest' in completing.outcome
    ? { objectKey: completing.objectKey, outcome: completing.outcome }
    : null;
}

async function unitOutputsOf(
  client: Queryable,
  { export_id, run }: UnitRow,
): Promise<StoredUnitOutput[]> {
  const { rows } = await client.query<{ outcome: UnitOutput; object_key: string }>(
    `select outcome, object_key from units
     where export_id = $1 and run = $2 and kind = 'read' order by ordinal`,
    [export_id, run],
  );
  return rows.map(({ outcome, object_key }) => ({ ...outcome, objectKey: object_key }));
}
