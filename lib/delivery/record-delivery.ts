import { recordAudit } from '../audit/record-audit.ts';
import type { FileDelivered } from '../contracts/events.ts';
import { type Queryable, transaction } from '../runtime/catalogue.ts';
import { markDownloaded } from './mark-downloaded.ts';

/** A further range is left out if an account would then have more separate ranges of an object. */
const maxRanges = 10_000;

/**
 * Records a response that sent bytes of a file, once however often it is delivered. When the union of the ranges that an
 * account has received covers the file, the export is downloaded; ranges received twice do not add up. Returns whether
 * the export became downloaded.
 */
export async function recordDelivery(event: FileDelivered): Promise<boolean> {
  return transaction(async (client) => {
    const email = await insertDelivery(client, event);
    if (email === undefined) return false;
    await auditDelivery(client, event, email);
    const exportId = await completedExport(client, event);
    return exportId !== undefined && (await markDownloaded(client, exportId));
  });
}

/** Returns the email of the account, undefined if the delivery is recorded already. */
async function insertDelivery(
  client: Queryable,
  { id, time, data }: FileDelivered,
): Promise<string | undefined> {
  const { rows } = await client.query<{ email: string }>(
    `insert into file_deliveries (request_id, export_id, account_id, ticket_id, object_key, at, address, status,
       first_byte, bytes, complete)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict (request_id) do nothing
     returning (select email from accounts where id = account_id)`,
    [
      id,
      data.exportId,
      data.accountId,
      data.ticketId,
      data.objectKey,
      time,
      data.address,
      data.status,
      data.firstByte,
      data.bytes,
      data.complete,
    ],
  );
  return rows[0]?.email;
}

async function auditDelivery(
  client: Queryable,
  { id, data }: FileDelivered,
  email: string,
): Promise<void> {
  const { exportId, accountId, address, firstByte, bytes, complete } = data;
  await recordAudit(
    client,
    {
      actor: { id: accountId, email },
      action: 'download.deliver',
      target: exportId,
      exportId,
      outcome: complete ? 'done' : 'failed',
      details: { requestId: id, firstByte, bytes, complete },
    },
    address,
  );
}

/**
 * Adds the range to those of the account and object. Returns the export if they cover its file: the object of an
 * earlier run is not its file.
 */
async function completedExport(
  client: Queryable,
  { data: { exportId, accountId, objectKey, firstByte, bytes } }: FileDelivered,
): Promise<string | undefined> {
  const { rows } = await client.query<{ id: string }>(
    `with received as (
       insert into delivered_ranges as former (object_key, account_id, ranges)
       values ($1, $2, int8multirange(int8range($3, $4)))
       on conflict (object_key, account_id) do update set updated_at = now(), ranges = case
         when (select count(*) from unnest(former.ranges + excluded.ranges)) > $5 then former.ranges
         else former.ranges + excluded.ranges end
       returning ranges)
     select e.id from exports e cross join received
     where e.id = $6 and e.object_key = $1 and e.owner_id = $2 and e.deleted_at is null
       and received.ranges @> int8range(0, (e.file->>'bytes')::bigint)`,
    [objectKey, accountId, firstByte, firstByte + bytes, maxRanges, exportId],
  );
  return rows[0]?.id;
}
