import { setTimeout } from 'node:timers/promises';
import { sql, stack } from './stack.ts';

const timeoutMs = 6 * 60_000;

/** What uses a slot: a unit that is dispatched or runs, or the attempt for which the slot is closed. */
const usedSlotsSql = `
  select u.partition, u.state, e.id, e.request ->> 'dataset' as dataset, u.running_since, null as closed_until
  from units u join exports e on e.id = u.export_id where u.state in ('dispatched', 'running')
  union all
  select s.partition, 'closed', t.export_id, null, t.started_at, s.closed_until
  from slots s left join attempts t on t.partition = s.partition and t."offset" = s.closed_offset
  where s.closed_until > now()`;

/**
 * Waits until no export of an earlier suite runs and no slot is closed, for suites that count the slots. Throws with
 * what uses them.
 */
export async function waitForFreeSlots(): Promise<void> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const used = await sql(stack.postgres.catalogue, usedSlotsSql);
    if (used.length === 0) return;
    if (performance.now() > end)
      throw new Error(`slots are in use before the suite begins: ${JSON.stringify(used)}`);
    await setTimeout(500);
  }
}
