import type { Account } from '../access/accounts.ts';
import { catalogue, transaction } from '../runtime/catalogue.ts';
import { Refusal } from '../runtime/errors.ts';
import { type ExportRecord, findExport } from './documents.ts';
import { emitOutcome } from './outcomes.ts';
import { insertUnits, planExport } from './plan.ts';
import { move } from './states.ts';
import { requireRoom, requireRoomAtLast } from './waiting.ts';

const retryable = ['failed', 'cancelled', 'expired'] as const;

/**
 * Runs an export again that ended without a file, or whose file is gone: same id, same request, held
 * against the source as it is now. It queues as if it had just been asked for.
 */
export async function retryExport(owner: Account, exportId: string): Promise<void> {
  const ended = await findExport(catalogue(), owner.id, exportId);
  requireEnded(ended);
  await requireRoom(catalogue(), owner.id, exportId);
  const plan = await planExport(owner, ended.request);
  await transaction(async (client) => {
    await client.query('select 1 from exports where id = $1 for update', [exportId]);
    requireEnded(await findExport(client, owner.id, exportId));
    const { rowCount: running } = await client.query(
      `select 1 from units where export_id = $1 and state = 'running'`,
      [exportId],
    );
    if (running !== 0)
      throw new Refusal(
        'not_retryable',
        'The export is still being stopped. Try again in a few seconds.',
      );
    // It may have expired a moment ago, before the sweep has seen it.
    if (await move(client, exportId, 'expired')) await emitOutcome(client, exportId, 'expired');
    const { rows } = await client.query<{ run: number }>(
      `update exports set state = 'queued', run = run + 1, queued_at = now(),
         estimated_rows = $2, estimated_seconds = $3, units_total = $4, units_done = 0,
         cancel_requested_at = null, started_at = null, finished_at = null, expires_at = null,
         downloaded_at = null, file = null, manifest = null, object_key = null, object_etag = null,
         object_deleted_at = null, error_code = null, error_message = null
       where id = $1 returning run`,
      [exportId, plan.estimatedRows, plan.estimatedSeconds, plan.units.length],
    );
    // The file and what else there is of earlier runs may go.
    await client.query('update attempts set kept = false where export_id = $1', [exportId]);
    await insertUnits(client, exportId, rows[0]?.run ?? 1, plan);
    await emitOutcome(client, exportId, 'accepted');
    await requireRoomAtLast(client, owner.id, exportId);
  });
}

function requireEnded({ state }: ExportRecord): void {
  if (retryable.some((ended) => ended === state)) return;
  throw new Refusal(
    'not_retryable',
    state === 'ready'
      ? 'The export is ready; ask for a new one if its data should be newer.'
      : 'The export is under way. Cancel it first, or wait for its end.',
  );
}
