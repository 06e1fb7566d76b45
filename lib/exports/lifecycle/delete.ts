import { transaction } from '../runtime/catalogue.ts';
import { cancelExport } from './cancel.ts';
import { type ExportRecord, findExport, loadExport } from './documents.ts';
import { move } from './states.ts';

export type Removed = { was: 'queued' | 'running'; record: ExportRecord } | { was: 'ended' };

/**
 * What DELETE means: a queued export is cancelled at once, a running one is told to stop, an ended one
 * is gone, file and all (the sweep deletes the object; nobody gets a byte from this moment on).
 */
export async function removeExport(ownerId: string, exportId: string): Promise<Removed> {
  return transaction(async (client) => {
    await client.query('select 1 from exports where id = $1 and owner_id = $2 for update', [
      exportId,
      ownerId,
    ]);
    const record = await findExport(client, ownerId, exportId);
    switch (record.state) {
      case 'queued':
      case 'dispatched':
      case 'running':
      case 'completing': {
        await client.query(
          'update exports set cancel_requested_at = coalesce(cancel_requested_at, now()) where id = $1',
          [exportId],
        );
        // A unit that is running learns of it by its next heartbeat, and ends the export with it.
        const was = (await cancelExport(client, exportId)) ? 'queued' : 'running';
        return { was, record: await loadExport(client, exportId) };
      }
      case 'ready':
      case 'failed':
      case 'cancelled':
      case 'expired':
        await move(client, exportId, 'expired');
        await client.query('update exports set deleted_at = now() where id = $1', [exportId]);
        return { was: 'ended' };
      default:
        return record.state satisfies never;
    }
  });
}
