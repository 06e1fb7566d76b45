import { recordRequest } from '../../audit/record-audit.ts';
import { transaction } from '../../runtime/catalogue.ts';
import { findExport } from '../export-record.ts';
import { type CancelResult, requestCancel } from './cancel.ts';
import { transition } from './states.ts';

export type DeleteResult = CancelResult | { was: 'ended' };

/**
 * Cancels a queued export, requests cancellation of a running one, and deletes an ended one with its file. The file is
 * no longer delivered from then on; the sweep deletes the object.
 */
export async function deleteExport(ownerId: string, exportId: string): Promise<DeleteResult> {
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
      case 'completing':
        return requestCancel(client, exportId);
      case 'ready':
      case 'failed':
      case 'cancelled':
      case 'expired':
        await transition(client, exportId, 'expired');
        await client.query('update exports set deleted_at = now() where id = $1', [exportId]);
        await recordRequest(client, { details: { was: record.state } });
        return { was: 'ended' };
      default:
        return record.state satisfies never;
    }
  });
}
