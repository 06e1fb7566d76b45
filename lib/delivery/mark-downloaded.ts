import { publishResult } from '../exports/events/result-events.ts';
import type { Queryable } from '../runtime/catalogue.ts';

/**
 * Records that the owner of an export has its complete file, and publishes that, the first time. Returns whether it was
 * the first time. Call it in a transaction.
 */
export async function markDownloaded(client: Queryable, exportId: string): Promise<boolean> {
  const { rowCount } = await client.query(
    'update exports set downloaded_at = now() where id = $1 and downloaded_at is null',
    [exportId],
  );
  if (rowCount !== 1) return false;
  await publishResult(client, exportId, 'downloaded');
  return true;
}
