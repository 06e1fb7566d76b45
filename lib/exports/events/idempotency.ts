import { createHash } from 'node:crypto';
import type { Queryable } from '../../runtime/catalogue.ts';
import { AppError } from '../../runtime/errors.ts';

/**
 * Identifies a request that may arrive several times: by the key of an API client, or the source and id of an event.
 */
export interface IdempotencyKey {
  scope: string;
  key: string;
  fingerprint: Buffer;
}

/** How long a key is stored. */
export const idempotencyTtlDays = 7;

/**
 * The fingerprint is of the parsed request with its defaults, so equivalent requests match. A request may be absent.
 */
export function idempotencyKeyFor(scope: string, key: string, request: unknown): IdempotencyKey {
  return {
    scope,
    key,
    fingerprint: createHash('sha256')
      .update(JSON.stringify(request) ?? '')
      .digest(),
  };
}

interface PreviousResult {
  exportId: string | null;
}

/**
 * Returns the result of an earlier request with the key: an export, or null for a rejection. Returns undefined if the
 * key is new. Throws `idempotency_conflict` if the key was used for another request.
 */
export async function findPreviousResult(
  client: Queryable,
  { scope, key, fingerprint }: IdempotencyKey,
): Promise<PreviousResult | undefined> {
  const { rows } = await client.query<{ fingerprint: Buffer; export_id: string | null }>(
    `select fingerprint, export_id from idempotency_keys
     where scope = $1 and key = $2 and created_at > now() - interval '${idempotencyTtlDays} days'`,
    [scope, key],
  );
  const [row] = rows;
  if (!row) return undefined;
  if (!row.fingerprint.equals(fingerprint))
    throw new AppError(
      'idempotency_conflict',
      'This idempotency key was used for another request. Use a new key for a new request.',
    );
  return { exportId: row.export_id };
}

/**
 * Stores the key with its result, in the transaction that creates the result. Waits for a concurrent transaction with
 * the same key. Returns false if it stored a result: then the caller must create nothing.
 */
export async function storeIdempotencyKey(
  client: Queryable,
  { scope, key, fingerprint }: IdempotencyKey,
  exportId: string | null,
): Promise<boolean> {
  const { rowCount } = await client.query(
    `insert into idempotency_keys (scope, key, fingerprint, export_id) values ($1, $2, $3, $4)
     on conflict (scope, key) do update
       set fingerprint = excluded.fingerprint, export_id = excluded.export_id, created_at = now()
       where idempotency_keys.created_at <= now() - interval '${idempotencyTtlDays} days'`,
    [scope, key, fingerprint, exportId],
  );
  return rowCount === 1;
}
