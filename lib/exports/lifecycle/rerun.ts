import type { Account } from '../../access/accounts.ts';
import { recordRequest } from '../../audit/record-audit.ts';
import { catalogue, transaction } from '../../runtime/catalogue.ts';
import { AppError } from '../../runtime/errors.ts';
import { currentTraceparent } from '../../runtime/tracing.ts';
import { publishResult } from '../events/result-events.ts';
import { type ExportRecord, findExport } from '../export-record.ts';
import { insertUnits, planExport } from '../planning/plan.ts';
import { policyNow } from '../rights.ts';
import { requireRoom, requireRoomAtLast } from './queue-limits.ts';
import { transition } from './states.ts';

const retryable = ['failed', 'cancelled', 'expired'] as const;

/**
 * Starts another run of an export that failed, was cancelled or has expired, under the same id and with the same
 * request, which is validated against the current schema of the source. Throws `not_retryable` for any other export.
 */
export async function retryExport(owner: Account, exportId: string): Promise<void> {
  const record = await findExport(catalogue(), owner.id, exportId);
  requireEnded(record);
  const quota = await requireRoom(catalogue(), owner.id, exportId);
  const plan = await planExport(owner, record.request, quota);
  await transaction(async (client) => {
    await client.query('select 1 from exports where id = $1 for update', [exportId]);
    requireEnded(await findExport(client, owner.id, exportId));
    const { rowCount: running } = await client.query(
      `select 1 from units where export_id = $1 and state = 'running'`,
      [exportId],
    );
    if (running !== 0)
      throw new AppError(
        'not_retryable',
        'The export is still being stopped. Try again in a few seconds.',
      );
    // The export may have expired before the sweep recorded it.
    if (await transition(client, exportId, 'expired'))
      await publishResult(client, exportId, 'expired');
    const { rows } = await client.query<{ run: number }>(
      `update exports set state = 'queued', run = run + 1, queued_at = now(),
         estimated_rows = $2, estimated_seconds = $3, units_total = $4, estimated_bytes = $5, units_done = 0,
         cancel_requested_at = null, started_at = null, finished_at = null, expires_at = null,
         downloaded_at = null, file = null, manifest = null, object_key = null, object_etag = null,
         object_deleted_at = null, error_code = null, error_message = null, traceparent = $6,
         policy = ${policyNow('owner_id', 'request')}
       where id = $1 returning run`,
      [
        exportId,
        plan.estimatedRows,
        plan.estimatedSeconds,
        plan.units.length,
        plan.estimatedBytes,
        currentTraceparent(),
      ],
    );
    // The sweep may delete the objects of earlier runs.
    await client.query('update attempts set kept = false where export_id = $1', [exportId]);
    await insertUnits(client, exportId, rows[0]?.run ?? 1, plan);
    await publishResult(client, exportId, 'accepted');
    await recordRequest(client, { details: { run: rows[0]?.run ?? 1 } });
    await requireRoomAtLast(client, owner.id, exportId, plan);
  });
}

function requireEnded({ state }: ExportRecord): void {
  if (retryable.some((retryableState) => retryableState === state)) return;
  throw new AppError(
    'not_retryable',
    state === 'ready'
      ? 'The export is ready. Create a new export to get newer data.'
      : 'The export is queued or running. Cancel it first, or wait until it has ended.',
  );
}
