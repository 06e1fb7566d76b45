import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import type { UnitDispatched } from '../contracts/events.ts';
import { activeStates, settle } from '../exports/states.ts';
import { cloudEvent } from '../messaging/cloud-event.ts';
import { enqueue } from '../messaging/outbox.ts';
import { topics } from '../messaging/topics.ts';
import { locks, type Queryable, transaction, tryLock } from '../runtime/catalogue.ts';
import { config } from '../runtime/config.ts';
import { messageOf } from '../runtime/errors.ts';
import { logger } from '../runtime/logger.ts';

/** Snapshot exports that take longer than this share half of the slots, so that short ones get through. */
const longSeconds = 120;

/**
 * Kafka partitions are no queue: keyed by a hash, work stacks up behind a busy one. So the catalogue
 * queues, and a unit is published only to the partition (slot) that is free for it, the one used least
 * recently.
 *
 * Whose turn it is: the account that was served least recently, of those that have a unit which may
 * run; of its exports the oldest. What may run: a unit whose source is not paused and has connections
 * left in its budget (backends of lost attempts count until their slot reopens), of an account that is
 * not at its limit of exports running, and not a long snapshot when those have their half already.
 *
 * $1 budget by source, $2 exports an account may have running. Exports are locked before units, as
 * everywhere, or two transactions could wait for each other.
 */
const choose = `
  with busy as (
    select u.export_id, u.source, u.planned_connections, e.owner_id,
      e.units_total = 1 and e.estimated_seconds > ${longSeconds} as long
    from units u join exports e on e.id = u.export_id
    where u.state in ('dispatched', 'running')
  ), used as (
    select source, sum(connections) as connections from (
      select source, planned_connections as connections from busy
      union all
      select u.source, u.planned_connections from slots s
        join attempts a on a.partition = s.partition and a."offset" = s.closed_offset and a.state = 'lost'
        join units u on u.id = a.unit_id
        where s.closed_until > now()
    ) held group by source
  ), owners as (
    select owner_id, count(distinct export_id) as running from busy group by owner_id
  ), slot as (
    select s.partition from slots s
    where (s.closed_until is null or s.closed_until < now())
      and not exists (select 1 from units u
        where u.partition = s.partition and u.state in ('dispatched', 'running'))
    order by s.last_used_at nulls first, s.partition limit 1
  )
  select u.id as unit_id, u.export_id, e.owner_id, slot.partition
  from slot
  cross join units u
  join exports e on e.id = u.export_id and e.run = u.run
  join accounts a on a.id = e.owner_id
  left join used on used.source = u.source
  left join owners on owners.owner_id = e.owner_id
  where u.state = 'queued' and u.not_before <= now()
    and e.state = any($3) and e.cancel_requested_at is null
    and (u.kind = 'finalize' or (
      not exists (select 1 from source_pauses p where p.source = u.source)
      and coalesce(used.connections, 0) + u.planned_connections
        <= coalesce(($1::jsonb ->> u.source)::integer, 0)))
    and (coalesce(owners.running, 0) < $2
      or exists (select 1 from busy where busy.export_id = u.export_id))
    and (e.units_total > 1 or coalesce(e.estimated_seconds, 0) <= ${longSeconds}
      or (select count(*) from busy where long) < (select count(*) / 2 from slots))
  order by a.served_at nulls first, u.kind = 'finalize' desc, e.queued_at, e.id, u.ordinal
  limit 1
  for update of e skip locked`;

interface Chosen {
  unit_id: string;
  export_id: string;
  owner_id: string;
  partition: number;
}

/** Gives out units while there is a slot and one that may have it. */
async function dispatchOnce(): Promise<'done' | 'busy'> {
  const { sources, runningExportsPerAccount } = config();
  const budgets = Object.fromEntries(
    [...sources].map(([name, { maxConnections }]) => [name, maxConnections]),
  );
  return transaction(async (client) => {
    if (!(await tryLock(client, locks.dispatch))) return 'busy';
    for (let given = 0; given < topics.work.partitions; given++) {
      const { rows } = await client.query<Chosen>(choose, [
        JSON.stringify(budgets),
        runningExportsPerAccount,
        activeStates,
      ]);
      if (!rows[0]) break;
      await give(client, rows[0]);
    }
    return 'done';
  });
}

async function give(
  client: Queryable,
  { unit_id, export_id, owner_id, partition }: Chosen,
): Promise<void> {
  const dispatchId = randomUUID();
  await client.query(
    `update units set state = 'dispatched', dispatch_id = $2, partition = $3, "offset" = null,
       attempt_id = null, lease_until = null
     where id = $1`,
    [unit_id, dispatchId, partition],
  );
  await settle(client, export_id);
  await client.query('update slots set last_used_at = clock_timestamp() where partition = $1', [
    partition,
  ]);
  await client.query('update accounts set served_at = clock_timestamp() where id = $1', [owner_id]);
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

/**
 * Gives free slots to waiting units, after every create, every end, and in the sweep. Never throws:
 * what could not be given now is given by the next one. The relay has to follow.
 */
export async function dispatch(): Promise<void> {
  try {
    // Another dispatch may have looked before our unit was there: look again when it is through.
    for (let looks = 0; looks < 20; looks++) {
      if ((await dispatchOnce()) !== 'busy') return;
      await setTimeout(25);
    }
  } catch (error) {
    logger.warn('dispatch failed, the sweep will dispatch', { reason: messageOf(error) });
  }
}
