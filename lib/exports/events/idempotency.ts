import { createHash } from 'node:crypto';
import type { Queryable } from '../runtime/catalogue.ts';
import { Refusal } from '../runtime/errors.ts';

/** One asking, however often it arrives: an API client's key, or the source and id of an event. */
export interface Asking {
  scope: string;
  key: string;
  fingerprint: Buffer;
}

/** How long a key is remembered. */
export const rememberedDays = 7;

/** Requests are compared as parsed, defaults filled in: what means the same is the same. None at all is one, too. */
export const asking = (scope: string, key: string, request: unknown): Asking => ({
  scope,
  key,
  fingerprint: createHash('sha256')
    .update(JSON.stringify(request) ?? '')
    .digest(),
});

interface Answered {
  exportId: string | null;
}

/**
 * What an asking was answered with before: an export, or (null) a refusal; undefined if it is new.
 * Throws `idempotency_conflict` if the key came with another request.
 */
export async function earlierAnswer(
  client: Queryable,
  { scope, key, fingerprint }: Asking,
): Promise<Answered | undefined> {
  const { rows } = await client.query<{ fingerprint: Buffer; export_id: string | null }>(
    `select fingerprint, export_id from idempotency_keys
     where scope = $1 and key = $2 and created_at > now() - interval '${rememberedDays} days'`,
    [scope, key],
  );
  const [row] = rows;
  if (!row) return undefined;
  if (!row.fingerprint.equals(fingerprint))
    throw new Refusal(
      'idempotency_conflict',
      'This idempotency key was used for another request. Use a new key for a new request.',
    );
  return { exportId: row.export_id };
}

/**
 * Remembers the answer, in the transaction that makes it. Returns false if the same key was answered
 * meanwhile (a concurrent one is waited for): then nothing must be made.
 */
export async function remember(
  client: Queryable,
  { scope, key, fingerprint }: Asking,
  exportId: string | null,
): Promise<boolean> {
  const { rowCount } = await client.query(
    `insert into idempotency_keys (scope, key, fingerprint, export_id) values ($1, $2, $3, $4)
     on conflict (scope, key) do update
       set fingerprint = excluded.fingerprint, export_id = excluded.export_id, created_at = now()
       where idempotency_keys.created_at <= now() - interval '${rememberedDays} days'`,
    [scope, key, fingerprint, exportId],
  );
  return rowCount === 1;
}
