import { recordRequest } from '../../audit/record-audit.ts';
import { type Queryable, transaction } from '../../runtime/catalogue.ts';
import { AppError } from '../../runtime/errors.ts';
import { publishResult } from '../events/result-events.ts';
import { type ExportRecord, loadExport } from '../export-record.ts';
import { activeStates, transition } from './states.ts';

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

/** What an export was when its cancellation was requested, and its record after that. */
export interface CancelResult {
  was: 'queued' | 'running';
  record: ExportRecord;
}

/**
 * Cancels an export that waits, and requests the cancellation of one that runs: its units learn of it with their next
 * heartbeat. The caller must have locked the export, which has not ended.
 */
export async function requestCancel(client: Queryable, exportId: string): Promise<CancelResult> {
  await client.query(
    'update exports set cancel_requested_at = coalesce(cancel_requested_at, now()) where id = $1',
    [exportId],
  );
  const was = (await cancelExport(client, exportId)) ? 'queued' : 'running';
  await recordRequest(client, { action: 'export.cancel', details: { was } });
  return { was, record: await loadExport(client, exportId) };
}

/**
 * Cancels an export of any account, for administrators. Throws `not_found`, and `conflict` if the export has ended:
 * then it is its owner who may delete it.
 */
export async function cancelAnyExport(exportId: string): Promise<CancelResult> {
  return transaction(async (client) => {
    const { rows } = await client.query<{ active: boolean }>(
      'select state = any($2) as active from exports where id = $1 and deleted_at is null for update',
      [exportId, activeStates],
    );
    const [found] = rows;
    if (!found) throw new AppError('not_found', 'Export not found.');
    if (!found.active) throw new AppError('conflict', 'The export has ended.');
    return requestCancel(client, exportId);
  });
}
