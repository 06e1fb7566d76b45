import { newKey } from './accounts.ts';
import { sql, stack } from './stack.ts';
import { waitFor } from './wait-for.ts';

/** What uses a slot: a unit that is dispatched or runs, or the attempt for which the slot is closed. */
const usedSlotsSql = `
  select u.partition, u.state, e.id, e.request ->> 'dataset' as dataset, u.running_since, null as closed_until
  from units u join exports e on e.id = u.export_id where u.state in ('dispatched', 'running')
  union all
  select s.partition, 'closed', t.export_id, null, t.started_at, s.closed_until
  from slots s left join attempts t on t.partition = s.partition and t."offset" = s.closed_offset
  where s.closed_until > now()`;

/** Waits until no unit runs and no slot is closed, for suites that count the slots. Throws with what uses them. */
export async function waitForFreeSlots(): Promise<void> {
  let used: object[] = [];
  try {
    await waitFor(
      'all slots are free',
      async () => {
        used = await sql(stack.postgres.catalogue, usedSlotsSql);
        return used.length === 0 ? true : undefined;
      },
      { seconds: 120, everyMs: 500 },
    );
  } catch (error) {
    throw new Error(`slots are in use: ${JSON.stringify(used)}`, { cause: error });
  }
}

/**
 * Cancels the exports that a suite has left, as a test that failed does: they would use the slots of the suites after
 * it. Reports them on the console.
 */
export async function cancelRemainingExports(): Promise<void> {
  const remaining = await sql<{ id: string; owner: string; dataset: string; state: string }>(
    stack.postgres.catalogue,
    `select id, owner_id as owner, request ->> 'dataset' as dataset, state from exports
     where state in ('queued', 'dispatched', 'running', 'completing')`,
  );
  if (remaining.length === 0) return;
  console.warn('exports that the tests have left are cancelled', remaining);
  const { call } = await import('./api.ts');
  for (const { id, owner } of remaining)
    await call('DELETE', `/exports/${id}`, { headers: { 'x-api-key': await newKey(owner) } });
  await waitForFreeSlots();
}
