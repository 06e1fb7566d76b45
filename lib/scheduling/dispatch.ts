import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import type { UnitDispatched } from '../contracts/events.ts';
import { mayStillRead, rightWithdrawn } from '../exports/rights.ts';
import { activeStates, settle } from '../exports/states.ts';
import { cloudEvent } from '../messaging/cloud-event.ts';
import { enqueue } from '../messaging/outbox.ts';
import { topics } from '../messaging/topics.ts';
import { locks, type Queryable, transaction, tryLock } from '../runtime/catalogue.ts';
import { config } from '../runtime/config.ts';
import { messageOf } from '../runtime/errors.ts';
import { logger } from '../runtime/logger.ts';
import { failUnit } from './end.ts';
import { chooseUnit } from './queue-order.ts';

/** How many units one transaction looks at: those who want to dispatch meanwhile wait no longer than that. */
const mostOfTransaction = 20;

interface Chosen {
  unit_id: string;
  export_id: string;
  owner_id: string;
  partition: number;
  is_last_slot: boolean;
  /** The line began while its account was being served: it has to be told of that. */
  line_is_behind: boolean;
}

/**
 * Gives out units while there is a slot and one that may have it. Kafka partitions are no queue: keyed by a hash, work
 * stacks up behind a busy one. So the catalogue queues, and a unit is published only to the partition (slot) that is
 * free for it.
 */
async function dispatchOnce(): Promise<'done' | 'more' | 'busy'> {
  const { sources, runningExportsPerAccount } = config();
  const budgets = Object.fromEntries(
    [...sources].map(([name, { maxConnections }]) => [name, maxConnections]),
  );
  return transaction(async (client) => {
    if (!(await tryLock(client, locks.dispatch))) return 'busy';
    await endDelays(client);
    const passedOver: string[] = [];
    let given = 0;
    for (let looks = 0; looks < mostOfTransaction; looks++) {
      const { rows } = await client.query<Chosen>(chooseUnit, [
        JSON.stringify(budgets),
        runningExportsPerAccount,
        passedOver,
      ]);
      const [chosen] = rows;
      if (!chosen) return 'done';
      if (chosen.line_is_behind) {
        await placeLines(client, chosen.owner_id);
        continue;
      }
      const outcome = await take(client, chosen);
      if (outcome === 'given') given++;
      if (outcome === 'given' && chosen.is_last_slot) return 'done';
      if (outcome === 'busy') passedOver.push(chosen.export_id);
    }
    // There are only so many slots; what merely leaves the queue may be more than one should do for all.
    return given > 0 ? 'more' : 'done';
  });
}

/** Units whose time has come stand in the queue from now on. */
async function endDelays(client: Queryable): Promise<void> {
  await client.query(
    `update units set delayed = false where id = any(array(
       select id from units where state = 'queued' and delayed and not_before <= now()
       order by not_before limit ${mostOfTransaction} for update skip locked))`,
  );
}

/**
 * Gives the unit its slot. One that must not run any more leaves the queue instead: its account lost the right to what
 * it reads, or its export is over. `busy`: somebody is working on the export just now, and dispatches afterwards. Exports are locked before units, as everywhere, or two transactions could wait for each other.
 */
async function take(client: Queryable, chosen: Chosen): Promise<'given' | 'removed' | 'busy'> {
  const { unit_id, export_id, owner_id } = chosen;
  const { rows } = await client.query<{ under_way: boolean; permitted: boolean }>(
    `select e.state = any($3) and e.cancel_requested_at is null and e.run = u.run as under_way,
       ${mayStillRead} as permitted
     from exports e join units u on u.export_id = e.id join accounts a on a.id = e.owner_id
     where e.id = $1 and u.id = $2 and u.state = 'queued'
     for update of e skip locked`,
    [export_id, unit_id, activeStates],
  );
  const [found] = rows;
  if (!found) return 'busy';
  const mayRun = found.under_way && found.permitted;
  if (mayRun) await give(client, chosen);
  else if (found.under_way)
    await failUnit(
      client,
      { unitId: unit_id, exportId: export_id, attemptId: null },
      rightWithdrawn,
    );
  else await client.query(`update units set state = 'cancelled' where id = $1`, [unit_id]);
  await client.query('update accounts set served_at = clock_timestamp() where id = $1', [owner_id]);
  await placeLines(client, owner_id);
  return mayRun ? 'given' : 'removed';
}

/** Puts the lines of an account where its last turn puts them. One that is just being removed is left to that. */
async function placeLines(client: Queryable, ownerId: string): Promise<void> {
  await client.query(
    `update queue_lines l set served_at = coalesce(a.served_at, '-infinity') from accounts a
     where a.id = $1 and l.ctid = any(array(
       select ctid from queue_lines where owner_id = $1 for no key update skip locked))`,
    [ownerId],
  );
}

async function give(client: Queryable, { unit_id, export_id, partition }: Chosen): Promise<void> {
  const dispatchId = randomUUID();
  await client.query(
    `update units set state = 'dispatched', dispatch_id = $2, partition = $3, "offset" = null,
       attempt_id = null, lease_until = null, running_since = null
     where id = $1`,
    [unit_id, dispatchId, partition],
  );
  await settle(client, export_id);
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
  });
}

/** How long one waits in all for another dispatch to be through. */
const patienceMilliseconds = 1_000;

/**
 * Gives free slots to waiting units, after every create, every end, and in the sweep. Never throws:
 * what could not be given now is given by the next one. The relay has to follow.
 */
export async function dispatch(): Promise<void> {
  try {
    // Another dispatch may have looked before our unit was there: look again when it is through.
    for (let waited = 0, wait = 10; waited < patienceMilliseconds; ) {
      const outcome = await dispatchOnce();
      if (outcome === 'done') return;
      if (outcome === 'more') continue;
      await setTimeout(wait * (0.5 + Math.random()));
      waited += wait;
      wait *= 2;
    }
  } catch (error) {
    logger.warn('dispatch failed, the sweep will dispatch', { reason: messageOf(error) });
  }
}
