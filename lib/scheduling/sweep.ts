import { pruneFailures } from '../access/sign-in-limits.ts';
import { recordAudit } from '../audit/record-audit.ts';
import { idempotencyTtlDays } from '../exports/events/idempotency.ts';
import { publishResult } from '../exports/events/result-events.ts';
import { activeStates, syncExportState, transition } from '../exports/lifecycle/states.ts';
import { maintainStore } from '../ingest/maintain-store.ts';
import { maintainLive } from '../live/maintain.ts';
import { relay } from '../messaging/outbox.ts';
import { catalogue, transaction } from '../runtime/catalogue.ts';
import { config } from '../runtime/config.ts';
import { serializeError } from '../runtime/errors.ts';
import { logger } from '../runtime/logger.ts';
import { terminateBackends } from '../sources/connection.ts';
import { deleteObject, deleteObjectAndUploads } from '../storage/s3.ts';
import { dispatch } from './dispatch.ts';
import { markAttemptLost, maxLostAttempts, tooManyLostAttempts } from './lost-attempts.ts';
import { repairLines } from './repair-lines.ts';
import { cancelUnit, failUnit } from './unit-transitions.ts';

/** Rows that one step of a pass handles. The next pass, 5 seconds later, handles the rest. */
const batchSize = 200;
/** Rows of a table that one pass deletes. */
const pruneBatchSize = 5_000;
/** A unit is requeued if no worker claims it within this time after its message was sent. */
const dispatchLeaseSeconds = 60;
/** Time limit of each relay step, so that the other steps run. */
const relayMs = 8_000;
/** A frozen worker may still write until its invocation times out, whatever the catalogue says. */
function zombieWriteWindowSeconds(): number {
  return config().workerTimeoutSeconds + 60;
}

/** Runs every cleanup step once. A step that fails is logged and does not stop the others. */
export async function sweepOnce(): Promise<void> {
  const steps = {
    relay: () => relay(relayMs),
    requeueStaleDispatches,
    expireLeases,
    expireExports,
    deleteObjects,
    deleteOrphanedObjects,
    pruneOldRows,
    repairLines,
    dispatch,
    relayAgain: () => relay(relayMs),
    maintainStore,
    maintainLive,
    recordPass,
  };
  for (const [step, run] of Object.entries(steps)) {
    try {
      await run();
    } catch (error) {
      logger.error('sweep step failed', {
        step,
        error: serializeError(error),
      });
    }
  }
}

/** Records the pass, from which `/health` knows that the sweep runs. */
async function recordPass(): Promise<void> {
  await catalogue().query(
    `insert into sweep_passes (ended_at) values (now())
     on conflict (one) do update set ended_at = excluded.ended_at`,
  );
}

/** Requeues units whose message was sent and not claimed, as when no consumer runs. */
async function requeueStaleDispatches(): Promise<void> {
  const { rows } = await catalogue().query<{
    unit_id: string;
    export_id: string;
    dispatch_id: string;
  }>(
    `select u.id as unit_id, u.export_id, u.dispatch_id
     from units u join outbox o on o.dispatch_id = u.dispatch_id
     where u.state = 'dispatched' and coalesce(o.sent_at, o.failed_at) < now() - interval '${dispatchLeaseSeconds} seconds'
     limit ${batchSize}`,
  );
  for (const unit of rows) {
    await transaction(async (client) => {
      await client.query('select 1 from exports where id = $1 for update', [unit.export_id]);
      const { rowCount } = await client.query(
        `update units set state = 'queued', dispatch_id = null
         where id = $1 and state = 'dispatched' and dispatch_id = $2`,
        [unit.unit_id, unit.dispatch_id],
      );
      if (rowCount === 1) await syncExportState(client, unit.export_id);
    });
  }
}

/**
 * Requeues running units whose lease has expired. Normally the redelivery of the message replaces a dead worker long
 * before. In the first 20 s after the database started no lease expires, because heartbeats failed while it was down.
 */
async function expireLeases(): Promise<void> {
  const { rows } = await catalogue().query<ExpiredLease>(
    `select u.id as unit_id, u.export_id, u.attempt_id, u.source
     from units u
     where u.state = 'running' and u.lease_until < now()
       and pg_postmaster_start_time() < now() - interval '20 seconds'
     limit ${batchSize}`,
  );
  for (const lease of rows) {
    if (await expireLease(lease)) await terminateBackends(lease.source, lease.attempt_id);
  }
}

interface ExpiredLease {
  unit_id: string;
  export_id: string;
  attempt_id: string;
  source: string;
}

async function expireLease({ unit_id, export_id, attempt_id }: ExpiredLease): Promise<boolean> {
  return transaction(async (client) => {
    await client.query('select 1 from exports where id = $1 for update', [export_id]);
    const { rows } = await client.query<{
      partition: number;
      offset: number;
      lost_attempts: number;
      stop: boolean;
    }>(
      `update units u set state = 'queued', attempt_id = null, lease_until = null,
         lost_attempts = lost_attempts + 1
       from exports e
       where u.id = $1 and u.attempt_id = $2 and u.state = 'running' and u.lease_until < now()
         and e.id = u.export_id
       returning u.partition, u."offset", u.lost_attempts,
         e.cancel_requested_at is not null or e.state <> all($3) as stop`,
      [unit_id, attempt_id, activeStates],
    );
    const [unit] = rows;
    if (!unit) return false;
    await markAttemptLost(client, attempt_id);
    // The invocation may still hold the partition: a message sent there would wait for it.
    await client.query(
      `update slots set closed_offset = $2, closed_until = now() + make_interval(secs => $3)
       where partition = $1`,
      [unit.partition, unit.offset, zombieWriteWindowSeconds()],
    );
    const unitRef = { unitId: unit_id, exportId: export_id, attemptId: null };
    if (unit.stop) await cancelUnit(client, unitRef);
    else if (unit.lost_attempts >= maxLostAttempts)
      await failUnit(client, unitRef, tooManyLostAttempts);
    else await syncExportState(client, export_id);
    return true;
  });
}

async function expireExports(): Promise<void> {
  const { rows } = await catalogue().query<{ id: string }>(
    `select id from exports where state = 'ready' and expires_at <= now()
     order by expires_at limit ${batchSize}`,
  );
  for (const { id } of rows) {
    await transaction(async (client) => {
      if (!(await transition(client, id, 'expired'))) return;
      await publishResult(client, id, 'expired');
      await recordAudit(
        client,
        { actor: 'sweep', action: 'export.expire', target: id, outcome: 'done' },
        null,
      );
    });
  }
}

async function deleteObjects(): Promise<void> {
  const { rows } = await catalogue().query<{ id: string; object_key: string }>(
    `select id, object_key from exports
     where object_key is not null and object_deleted_at is null and (deleted_at is not null
       or (state = 'expired' and expires_at < now() - make_interval(secs => $1)))
     limit ${batchSize}`,
    [config().transferGraceSeconds],
  );
  for (const { id, object_key } of rows) {
    await deleteObject(object_key);
    await catalogue().query('update exports set object_deleted_at = now() where id = $1', [id]);
    await catalogue().query(
      `update attempts set cleared_at = now() where export_id = $1 and object_key = $2`,
      [id, object_key],
    );
  }
}

/**
 * Deletes the objects and aborts the uploads of ended attempts whose object is not the file of the export. Repeats it
 * at each pass until the process of the attempt can no longer write. Keeps what an active export needs: unit outputs,
 * and what another attempt may adopt (a recorded result, a checkpoint). Deletes the file of an earlier run when running
 * downloads have had their time. `kept` only marks attempts that this query can skip.
 */
async function deleteOrphanedObjects(): Promise<void> {
  const { rows } = await catalogue().query<{ id: string; object_key: string; over: boolean }>(
    `select a.id, a.object_key,
       a.state in ('done', 'yielded') or a.ended_at < now() - make_interval(secs => $1) as over
     from attempts a join units u on u.id = a.unit_id join exports e on e.id = a.export_id
     where a.cleared_at is null and a.ended_at is not null and not a.kept
       and e.object_key is distinct from a.object_key
       and case
         when u.run < e.run then
           a.state <> 'done' or e.queued_at < now() - make_interval(secs => $3)
         when e.state = any($2) then a.state not in ('done', 'yielded') and a.outcome is null
         else true end
     order by a.ended_at limit ${batchSize}`,
    [zombieWriteWindowSeconds(), activeStates, config().transferGraceSeconds],
  );
  for (const { id, object_key, over } of rows) {
    await deleteObjectAndUploads(object_key);
    if (over) await catalogue().query('update attempts set cleared_at = now() where id = $1', [id]);
  }
}

/** Exports expire at most 30 days after they are ready (`ttlSeconds`), so an older ticket is useless. */
const ticketDays = 31;

/** Kafka keeps a dead letter for a shorter time. */
const dispositionDays = 400;
/** Only the usage of today is read. */
const usageDays = 7;

/** Deletes rows that are no longer used. */
async function pruneOldRows(): Promise<void> {
  const retention = [
    ['tickets', 'created_at', ticketDays],
    ['file_deliveries', 'recorded_at', ticketDays],
    ['delivered_ranges', 'updated_at', ticketDays],
    // After their last tickets, which end with them.
    ['sessions', 'expires_at', ticketDays],
    ['outbox', 'sent_at', 7],
    ['outbox', 'failed_at', 7],
    ['deliveries', 'last_at', 1],
    ['idempotency_keys', 'created_at', idempotencyTtlDays],
    ['dead_letter_dispositions', 'at', dispositionDays],
    ['daily_usage', 'day', usageDays],
  ] as const;
  for (const [table, column, days] of retention)
    await catalogue().query(
      `delete from ${table} where ctid = any(array(
         select ctid from ${table} where ${column} < now() - interval '${days} days'
         order by ${column} limit ${pruneBatchSize}))`,
    );
  await pruneFailures(catalogue());
  await catalogue().query('select audit.remove_expired()');
}
