import type { Queryable } from '../runtime/catalogue.ts';
import { emitOutcome } from './outcomes.ts';
import { move } from './states.ts';

/** Takes from the queue what units of an export are in it. */
export async function cancelWaitingUnits(client: Queryable, exportId: string): Promise<void> {
  await client.query(
    `update units u set state = 'cancelled' from exports e
     where e.id = $1 and u.export_id = e.id and u.run = e.run and u.state in ('queued', 'dispatched')`,
    [exportId],
  );
}

/**
 * Cancels what waits; with no unit running any more the export is cancelled. Returns whether it is
 * now. The caller has locked the export.
 */
export async function cancelExport(client: Queryable, exportId: string): Promise<boolean> {
  await cancelWaitingUnits(client, exportId);
  const { rowCount } = await client.query(
    `select 1 from units where export_id = $1 and state = 'running'`,
    [exportId],
  );
  if (rowCount !== 0 || !(await move(client, exportId, 'cancelled'))) return false;
  await emitOutcome(client, exportId, 'cancelled');
  return true;
}
