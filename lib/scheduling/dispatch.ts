import { randomUUID } from 'node:crypto';
import type { UnitDispatched } from '../contracts/events.ts';
import { activeStates, syncExportState } from '../exports/lifecycle/states.ts';
import { mayStillRead, rightWithdrawn } from '../exports/rights.ts';
import { cloudEvent } from '../messaging/cloud-event.ts';
import { enqueue } from '../messaging/outbox.ts';
import { topics } from '../messaging/topics.ts';
import { advisoryLocks, type Queryable, transaction, tryLock } from '../runtime/catalogue.ts';
import { config } from '../runtime/config.ts';
import { errorMessage } from '../runtime/errors.ts';
import { logger } from '../runtime/logger.ts';
import { backoffMs, sleep } from '../runtime/retry.ts';
import { selectNextUnitSql } from './queue-order.ts';
import { failUnit } from './unit-transitions.ts';

/** Units that one transaction dispatches at most, so that another dispatch does not wait long for its lock. */
const maxPerTransaction = 20;

interface NextUnit {
  unit_id: string;
  export_id: string;
  owner_id: string;
  partition: number;
  is_last_slot: boolean;
  /** The line was created while its account was served: its `served_at` is too old. */
  line_is_stale: boolean;
}

/**
 * Dispatches units while a slot is free and a unit may have it. Kafka partitions alone would not do as a queue: keyed
 * by a hash, units would wait for a busy partition while others are free. So the catalogue is the queue, and a unit is
 * published only to a free partition (slot).
 */
async function dispatchOnce(): Promise<'done' | 'more' | 'busy'> {
  const { sources, maxRunningExportsPerAccount } = config();
  const budgets = Object.fromEntries(
    [...sources].map(([name, { maxConnections }]) => [name, maxConnections]),
  );
  return transaction(async (client) => {
    if (!(await tryLock(client, advisoryLocks.dispatch))) return 'busy';
    await endDelays(client);
    const skippedExports: string[] = [];
    let assigned = 0;
    for (let n = 0; n < maxPerTransaction; n++) {
      const { rows } = await client.query<NextUnit>(selectNextUnitSql, [
        JSON.stringify(budgets),
        maxRunningExportsPerAccount,
        skippedExports,
      ]);
      const [next] = rows;
      if (!next) return 'done';
      if (next.line_is_stale) {
        await placeLines(client, next.owner_id);
        continue;
      }
      const outcome = await dispatchUnit(client, next);
      if (outcome === 'assigned') assigned++;
      if (outcome === 'assigned' && next.is_last_slot) return 'done';
      if (outcome === 'busy') skippedExports.push(next.export_id);
    }
    // The number of slots bounds how often this repeats. Units that only leave the queue may be many: the next dispatch
    // or the sweep removes the rest.
    return assigned > 0 ? 'more' : 'done';
  });
}

/** Ends the delay of units whose `not_before` has passed. */
async function endDelays(client: Queryable): Promise<void> {
  await client.query(
    `update units set delayed = false where id = any(array(
       select id from units where state = 'queued' and delayed and not_before <= now()
       order by not_before limit ${maxPerTransaction} for update skip locked))`,
  );
}

/**
 * Assigns the slot to the unit. Removes the unit from the queue instead if its account lost the right to read the
 * sources, or its export has ended. Returns `busy` if another transaction holds the export: it dispatches afterwards.
 * Exports are locked before units, as in every transaction, to avoid deadlocks.
 */
async function dispatchUnit(
  client: Queryable,
  next: NextUnit,
): Promise<'assigned' | 'removed' | 'busy'> {
  const { unit_id, export_id, owner_id } = next;
  const { rows } = await client.query<{
    active: boolean;
    permitted: boolean;
    traceparent: string | null;
  }>(
    `select e.state = any($3) and e.cancel_requested_at is null and e.run = u.run as active,
       ${mayStillRead} as permitted, e.traceparent
     from exports e join units u on u.export_id = e.id join accounts a on a.id = e.owner_id
     where e.id = $1 and u.id = $2 and u.state = 'queued'
     for update of e skip locked`,
    [export_id, unit_id, activeStates],
  );
  const [unit] = rows;
  if (!unit) return 'busy';
  const mayRun = unit.active && unit.permitted;
  if (mayRun) await assignSlot(client, next, unit.traceparent);
  else if (unit.active)
    await failUnit(
      client,
      { unitId: unit_id, exportId: export_id, attemptId: null },
      rightWithdrawn,
    );
  else await client.query(`update units set state = 'cancelled' where id = $1`, [unit_id]);
  await client.query('update accounts set served_at = clock_timestamp() where id = $1', [owner_id]);
  await placeLines(client, owner_id);
  return mayRun ? 'assigned' : 'removed';
}

/** Sets `served_at` of an account's lines to that of the account. Skips lines that another transaction is removing. */
async function placeLines(client: Queryable, ownerId: string): Promise<void> {
  await client.query(
    `update queue_lines l set served_at = coalesce(a.served_at, '-infinity') from accounts a
     where a.id = $1 and l.ctid = any(array(
       select ctid from queue_lines where owner_id = $1 for no key update skip locked))`,
    [ownerId],
  );
}

async function assignSlot(
  client: Queryable,
  { unit_id, export_id, partition }: NextUnit,
  traceparent: string | null,
): Promise<void> {
  const dispatchId = randomUUID();
  await client.query(
    `update units set state = 'dispatched', dispatch_id = $2, partition = $3, "offset" = null,
       attempt_id = null, lease_until = null, running_since = null
     where id = $1`,
    [unit_id, dispatchId, partition],
  );
  await syncExportState(client, export_id);
  await client.query('update slots set last_used_at = clock_timestamp() where partition = $1', [
    partition,
  ]);
  const event: UnitDispatched = cloudEvent('streamsync.unit.dispatched.v1' as const, export_id, {
    unitId: unit_id,
    dispatchId,
    exportId: export_id,
  });
  await enqueue(client, {
    topic: topics.work.name,
    partition,
    key: null,
    value: Buffer.from(JSON.stringify(event)),
    eventId: event.id,
    dispatchId,
    traceparent: traceparent ?? undefined,
  });
}

/** Total time that a call waits for another dispatch to finish. */
const maxWaitMs = 1_000;

/**
 * Assigns free slots to waiting units. Call it after every creation, after every end and in the sweep, and call the
 * relay afterwards. Never throws: the next dispatch assigns what this one could not.
 */
export async function dispatch(): Promise<void> {
  try {
    // Another dispatch may have looked before our unit was there: look again when it is through.
    for (let waitedMs = 0, retries = 0; waitedMs < maxWaitMs; ) {
      const outcome = await dispatchOnce();
      if (outcome === 'done') return;
      if (outcome === 'more') continue;
      const delayMs = backoffMs(retries++, { firstMs: 10, maxMs: maxWaitMs });
      await sleep(delayMs);
      waitedMs += delayMs;
    }
  } catch (error) {
    logger.warn('dispatch failed; the sweep will repeat it', { reason: errorMessage(error) });
  }
}
