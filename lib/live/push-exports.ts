import { z } from 'zod';
import { hasScope } from '../access/credentials.ts';
import { liveLimits } from '../contracts/live.ts';
import { toDocument } from '../exports/export-document.ts';
import { loadExport } from '../exports/export-record.ts';
import type { IncomingRecord } from '../messaging/incoming-record.ts';
import { catalogue } from '../runtime/catalogue.ts';
import { removeConnections, rightsJoin, rightsOf } from './connections.ts';
import { gateway } from './gateway.ts';
import { messageText } from './messages.ts';

const resultSchema = z.object({ data: z.object({ id: z.uuid() }) });

/** Returns the export of a result event, undefined if it has none: a request that was rejected. */
function exportIdOf({ value }: IncomingRecord): string | undefined {
  try {
    return resultSchema.parse(JSON.parse(value?.toString() ?? '')).data.id;
  } catch {
    return undefined;
  }
}

/**
 * Sends the state of the exports of these result events to the sockets of their owners: that of now, so that a late or
 * repeated event says nothing that is out of date. A socket that does not get it polls, as all clients may.
 */
export async function pushExports(
  records: readonly IncomingRecord[],
): Promise<Record<'pushedExports', number>> {
  const exportIds = new Set(records.flatMap((record) => exportIdOf(record) ?? []));
  for (const exportId of exportIds) await pushExport(exportId);
  return { pushedExports: exportIds.size };
}

async function pushExport(exportId: string): Promise<void> {
  const { rows } = await catalogue().query<{ id: string; is_new: boolean }>(
    `select id, is_new from (
       select c.id, c.connected_at > now() - interval '10 seconds' as is_new, ${rightsOf}
       from exports e join live_connections c on c.account_id = e.owner_id ${rightsJoin}
       where e.id = $2 and e.deleted_at is null and ${hasScope('exports:read')}) connections
     where is_allowed`,
    [null, exportId],
  );
  if (rows.length === 0) return;
  const document = toDocument(await loadExport(catalogue(), exportId));
  const text = messageText({ type: 'export', export: document });
  // A request may be much longer than a message. Its owner learns the state by polling.
  if (Buffer.byteLength(text) > liveLimits.messageBytes) return;
  await Promise.all(
    rows.map(async ({ id, is_new }) => {
      // The gateway does not know a connection that is still being opened.
      if ((await gateway.post(id, text)) !== 'gone' || is_new) return;
      await removeConnections([id]);
    }),
  );
}
