import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import type { UnitDispatched } from '../contracts/events.ts';
import { cloudEvent } from '../messaging/cloud-event.ts';
import { enqueue } from '../messaging/outbox.ts';
import { topics } from '../messaging/topics.ts';
import { locks, type Queryable, transaction, tryLock } from '../runtime/catalogue.ts';
import { messageOf } from '../runtime/errors.ts';
import { logger } from '../runtime/logger.ts';

/**
 * Kafka partitions are no queue: keyed by a hash, work stacks up behind a busy one. So the catalogue
 * queues, and a unit is published only to the partition (slot) that is free for it.
 *
 * Here: the oldest unit first, into the slot that was used least recently. Exports are locked before
 * units, as everywhere, or two transactions could wait for each other.
 */
const choose = `
  with free as (
    select s.partition, row_number() over (order by s.last_used_at nulls first, s.partition) as n
    from slots s
    where (s.closed_until is null or s.closed_until < now())
      and not exists (select 1 from units u
        where u.partition = s.partition and u.state in ('dispatched', 'running'))
  ), waiting as (
    select u.id, u.export_id, row_number() over (order by u.created_at, u.id) as n
    from units u
    join (select e.id from exports e where e.state = 'queued' for update skip locked) e
      on e.id = u.export_id
    where u.state = 'queued' and u.not_before <= now()
  )
  select w.id as unit_id, w.export_id, f.partition from waiting w join free f using (n)
  order by n`;

interface Chosen {
  unit_id: string;
  export_id: string;
  partition: number;
}

async function dispatchOnce(): Promise<number | 'busy'> {
  return transaction(async (client) => {
    if (!(await tryLock(client, locks.dispatch))) return 'busy';
    const { rows } = await client.query<Chosen>(choose);
    for (const chosen of rows) await give(client, chosen);
    return rows.length;
  });
}

async function give(client: Queryable, { unit_id, export_id, partition }: Chosen): Promise<void> {
  const dispatchId = randomUUID();
  await client.query(`update exports set state = 'dispatched' where id = $1`, [export_id]);
  await client.query(
    `update units set state = 'dispatched', dispatch_id = $2, partition = $3, "offset" = null,
       attempt_id = null, lease_until = null
     where id = $1`,
    [unit_id, dispatchId, partition],
  );
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
