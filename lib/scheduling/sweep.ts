import { forgetFailures } from '../access/sign-in-limits.ts';
import { rememberedDays } from '../exports/idempotency.ts';
import { emitOutcome } from '../exports/outcomes.ts';
import { activeStates, move, settle } from '../exports/states.ts';
import { relay } from '../messaging/outbox.ts';
import { catalogue, transaction } from '../runtime/catalogue.ts';
import { config } from '../runtime/config.ts';
import { forLog } from '../runtime/errors.ts';
import { logger } from '../runtime/logger.ts';
import { endBackends } from '../sources/connection.ts';
import { clearKey, deleteObject } from '../storage/s3.ts';
import { dispatch } from './dispatch.ts';
import { cancelUnit, failUnit } from './end.ts';
import { repairLines } from './lines.ts';
import { loseAttempt, lostTooOften, mostLostAttempts } from './lost.ts';

/** How many of a kind one pass looks at; the next pass, seconds later, takes the rest. */
const most = 200;
/** What is only deleted is less work. */
const mostForgotten = 5_000;
/** A dispatch whose message nobody took within this time after it was sent goes back into the queue. */
const dispatchLeaseSeconds = 60;
/** The other steps wait for the relay no longer than this. */
const relayMilliseconds = 8_000;
/** Running responses may finish before an expired object goes. */
const transferGraceSeconds = 60;
/** A stopped worker may write until its invocation is ended, whatever the catalogue says. */
const mayWriteSeconds = (): number => config().workerTimeoutSeconds + 60;

/** One pass over everything that may be left lying. Each step stands alone: one that fails does not stop the rest. */
export async function sweepOnce(): Promise<void> {
  const steps = {
    relay: () => relay(relayMilliseconds),
    takeBackDispatches,
    loseDeadAttempts,
    expireExports,
    deleteObjects,
    clearAttempts,
    forget,
    repairLines,
    dispatch,
    relayAgain: () => relay(relayMilliseconds),
    recordPass,
  };
  for (const [step, run] of Object.entries(steps)) {
    try {
      await run();
    } catch (error) {
      logger.error('sweep step failed', {
        step,
        error: forLog(error),
      });
    }
  }
}

/** By it health knows that the sweep comes by. */
async function recordPass(): Promise<void> {
  await catalogue().query(
    `insert into sweep_passes (ended_at) values (now())
     on conflict (one) do update set ended_at = excluded.ended_at`,
  );
}

/** Dispatched, sent, and not claimed: the consumers were away. */
async function takeBackDispatches(): Promise<void> {
  const { rows } = await catalogue().query<{
    unit_id: string;
    export_id: string;
    dispatch_id: string;
  }>(
    `select u.id as unit_id, u.export_id, u.dispatch_id
     from units u join outbox o on o.dispatch_id = u.dispatch_id
     where u.state = 'dispatched' and coalesce(o.sent_at, o.failed_at) < now() - interval '${dispatchLeaseSeconds} seconds'
     limit ${most}`,
  );
  for (const unit of rows) {
    await transaction(async (client) => {
      await client.query('select 1 from exports where id = $1 for update', [unit.export_id]);
      const { rowCount } = await client.query(
        `update units set state = 'queued', dispatch_id = null
         where id = $1 and state = 'dispatched' and dispatch_id = $2`,
        [unit.unit_id, unit.dispatch_id],
      );
      if (rowCount === 1) await settle(client, unit.export_id);
    });
  }
}

/**
 * Running, and no heartbeat within the lease. Normally the redelivery of the message replaces a dead
 * worker long before. Nothing is judged dead for 20 s after the database has started: no heartbeat
 * could get through while it was down.
 */
async function loseDeadAttempts(): Promise<void> {
  const { rows } = await catalogue().query<DeadAttempt>(
    `select u.id as unit_id, u.export_id, u.attempt_id, u.source
     from units u
     where u.state = 'running' and u.lease_until < now()
       and pg_postmaster_start_time() < now() - interval '20 seconds'
     limit ${most}`,
  );
  for (const dead of rows) {
    if (await loseDead(dead)) await endBackends(dead.source, dead.attempt_id);
  }
}

interface DeadAttempt {
  unit_id: string;
  export_id: string;
  attempt_id: string;
  source: string;
}

async function loseDead({ unit_id, export_id, attempt_id }: DeadAttempt): Promise<boolean> {
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
    await loseAttempt(client, attempt_id);
    // The invocation may still hold the partition: a message sent there would wait behind it.
    await client.query(
      `update slots set closed_offset = $2, closed_until = now() + make_interval(secs => $3)
       where partition = $1`,
      [unit.partition, unit.offset, mayWriteSeconds()],
    );
    const ending = { unitId: unit_id, exportId: export_id, attemptId: null };
    if (unit.stop) await cancelUnit(client, ending);
    else if (unit.lost_attempts >= mostLostAttempts) await failUnit(client, ending, lostTooOften);
    else await settle(client, export_id);
    return true;
  });
}

async function expireExports(): Promise<void> {
  const { rows } = await catalogue().query<{ id: string }>(
    `select id from exports where state = 'ready' and expires_at <= now()
     order by expires_at limit ${most}`,
  );
  for (const { id } of rows) {
    await transaction(async (client) => {
      if (await move(client, id, 'expired')) await emitOutcome(client, id, 'expired');
    });
  }
}

async function deleteObjects(): Promise<void> {
  const { rows } = await catalogue().query<{ id: string; object_key: string }>(
    `select id, object_key from exports
     where object_key is not null and object_deleted_at is null and (deleted_at is not null
       or (state = 'expired' and expires_at < now() - interval '${transferGraceSeconds} seconds'))
     limit ${most}`,
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
 * Attempts whose object is not the export's file: their uploads are aborted, their objects deleted,
 * again and again until no process of theirs can write any more. What an export under way still needs
 * is left: its pieces, and what another attempt may take over (a recorded outcome, a checkpoint). The
 * file of an earlier run goes when running responses have had their time. `kept` says no more than that
 * it need not be looked at.
 */
async function clearAttempts(): Promise<void> {
  const { rows } = await catalogue().query<{ id: string; object_key: string; over: boolean }>(
    `select a.id, a.object_key,
       a.state in ('done', 'yielded') or a.ended_at < now() - make_interval(secs => $1) as over
     from attempts a join units u on u.id = a.unit_id join exports e on e.id = a.export_id
     where a.cleared_at is null and a.ended_at is not null and not a.kept
       and e.object_key is distinct from a.object_key
       and case
         when u.run < e.run then
           a.state <> 'done' or e.queued_at < now() - interval '${transferGraceSeconds} seconds'
         when e.state = any($2) then a.state not in ('done', 'yielded') and a.outcome is null
         else true end
     order by a.ended_at limit ${most}`,
    [mayWriteSeconds(), activeStates],
  );
  for (const { id, object_key, over } of rows) {
    await clearKey(object_key);
    if (over) await catalogue().query('update attempts set cleared_at = now() where id = $1', [id]);
  }
}

/** No export lives longer after it is ready (`ttlSeconds`), so that a ticket of this age leads nowhere. */
const ticketDays = 31;

/** What nobody will ask for again. */
async function forget(): Promise<void> {
  const old = [
    ['tickets', 'created_at', ticketDays],
    ['outbox', 'sent_at', 7],
    ['outbox', 'failed_at', 7],
    ['deliveries', 'last_at', 1],
    ['idempotency_keys', 'created_at', rememberedDays],
  ] as const;
  for (const [table, moment, days] of old)
    await catalogue().query(
      `delete from ${table} where ctid = any(array(
         select ctid from ${table} where ${moment} < now() - interval '${days} days'
         order by ${moment} limit ${mostForgotten}))`,
    );
  await forgetFailures(catalogue());
}
