import { locks, type Queryable } from '../runtime/catalogue.ts';
import { config } from '../runtime/config.ts';
import { Refusal } from '../runtime/errors.ts';

/** When it is worth asking again: an export or two may have begun by then. */
const retryAfterSeconds = 10;

/**
 * Throws `too_many_requests` if an account has as many exports waiting as it may, `exportId` not counted. What is in
 * work does not wait.
 */
export async function requireRoom(
  client: Queryable,
  ownerId: string,
  exportId: string | null,
): Promise<void> {
  const most = config().waitingExportsPerAccount;
  const { rows } = await client.query<{ waiting: number }>(
    `select count(*) as waiting from (
       select 1 from exports where owner_id = $1 and state = 'queued' and id is distinct from $2 limit $3
     ) counted`,
    [ownerId, exportId, most],
  );
  if ((rows[0]?.waiting ?? 0) < most) return;
  throw new Refusal(
    'too_many_requests',
    `You have ${most} exports waiting, which is as many as an account may have. Nothing was made. Ask again when some of them are ready, or cancel some.`,
    { retryAfterSeconds },
  );
}

/**
 * The same, exact however many ask at once: the last statement of the transaction that puts an export into the queue,
 * so that one of the same account waits only for the commit of the one before.
 */
export async function requireRoomAtLast(
  client: Queryable,
  ownerId: string,
  exportId: string,
): Promise<void> {
  await client.query('select pg_advisory_xact_lock($1, hashtext($2))', [locks.waiting, ownerId]);
  await requireRoom(client, ownerId, exportId);
}
