import type { Queryable } from '../../runtime/catalogue.ts';
import { publishResult } from '../events/result-events.ts';
import { transition } from './states.ts';

/** Cancels the queued and dispatched units of an export. */
export async function cancelWaitingUnits(client: Queryable, exportId: string): Promise<void> {
  await client.query(
    `update units u set state = 'cancelled' from exports e
     where e.id = $1 and u.export_id = e.id and u.run = e.run and u.state in ('queued', 'dispatched')`,
    [exportId],
  );
}

/**
 * Cancels the waiting units of an export, and the export if no unit runs. Returns whether the export is cancelled. The
 * caller must have locked the export.
 */
export async function cancelExport(client: Queryable, exportId: string): Promise<boolean> {
  await cancelWaitingUnits(client, exportId);
  const { rowCount } = await client.query(
    `select 1 from units where export_id = $1 and state = 'running'`,
    [exportId],
  );
  if (rowCount !== 0 || !(await transition(client, exportId, 'cancelled'))) return false;
  await publishResult(client, exportId, 'cancelled');
  return true;
}
