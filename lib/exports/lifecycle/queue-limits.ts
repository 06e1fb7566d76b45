import { advisoryLocks, type Queryable } from '../../runtime/catalogue.ts';
import { config } from '../../runtime/config.ts';
import { AppError } from '../../runtime/errors.ts';
import type { Plan } from '../planning/plan.ts';
import { requireQuota } from '../quotas.ts';

/** Nothing is known of an export before it is planned. */
const unknownSize = { rows: null, bytes: null };

/** By then one or two of the waiting exports may have started. */
const retryAfterSeconds = 10;

/**
 * Throws `too_many_requests` if an account may have no further export: it has too many queued ones, or a quota is used
 * up. `exportId` does not count. Returns whether the account has a quota of bytes.
 */
export async function requireRoom(
  client: Queryable,
  ownerId: string,
  exportId: string | null,
  estimate: { rows: number | null; bytes: number | null } = unknownSize,
): Promise<{ ofBytes: boolean }> {
  await requireQueueRoom(client, ownerId, exportId);
  return requireQuota(client, ownerId, exportId, estimate);
}

/** Running exports do not count. */
async function requireQueueRoom(
  client: Queryable,
  ownerId: string,
  exportId: string | null,
): Promise<void> {
  const max = config().maxWaitingExportsPerAccount;
  const { rows } = await client.query<{ waiting: number }>(
    `select count(*) as waiting from (
       select 1 from exports where owner_id = $1 and state = 'queued' and id is distinct from $2 limit $3
     ) counted`,
    [ownerId, exportId, max],
  );
  if ((rows[0]?.waiting ?? 0) < max) return;
  throw new AppError(
    'too_many_requests',
    `You have ${max} exports waiting, the maximum for an account. No export was created. Try again when some of them are ready, or cancel some.`,
    { retryAfterSeconds },
  );
}

/**
 * The same check under a lock, so that concurrent requests cannot exceed the limit. Call it last in the transaction
 * that queues an export: then another request of the account waits only for the commit.
 */
export async function requireRoomAtLast(
  client: Queryable,
  ownerId: string,
  exportId: string,
  plan: Plan,
): Promise<void> {
  await client.query('select pg_advisory_xact_lock($1, hashtext($2))', [
    advisoryLocks.waiting,
    ownerId,
  ]);
  await requireRoom(client, ownerId, exportId, {
    rows: plan.estimatedRows,
    bytes: plan.estimatedBytes,
  });
}
