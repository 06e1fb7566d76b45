import { randomUUID } from 'node:crypto';
import { recordRequest } from '../audit/record-audit.ts';
import {
  type ApiKey,
  type ApiKeyList,
  type ApiKeyListQuery,
  type CreatedApiKey,
  maxKeys,
  type NewApiKey,
} from '../contracts/api-keys.ts';
import { isAfter } from '../contracts/instant.ts';
import type { Scope } from '../contracts/scopes.ts';
import type { Queryable } from '../runtime/catalogue.ts';
import { AppError, invalidFields } from '../runtime/errors.ts';
import type { Account } from './accounts.ts';
import { hashOf, newApiKey, prefixOf } from './secrets.ts';

interface Row {
  id: string;
  name: string;
  prefix: string;
  scopes: Scope[];
  created_at: Date;
  expires_at: Date | null;
  last_used_at: Date | null;
}

const columns = 'k.id, k.name, k.prefix, k.scopes, k.created_at, k.expires_at, k.last_used_at';

const toApiKey = (row: Row): ApiKey => ({
  id: row.id,
  name: row.name,
  prefix: row.prefix,
  scopes: row.scopes,
  createdAt: row.created_at.toISOString(),
  expiresAt: row.expires_at?.toISOString() ?? null,
  lastUsedAt: row.last_used_at?.toISOString() ?? null,
});

/** Returns a page of the keys of an account that are not revoked, newest first. Throws `invalid_request`. */
export async function listApiKeys(
  client: Queryable,
  accountId: string,
  { cursor, limit }: ApiKeyListQuery,
): Promise<ApiKeyList> {
  const { rows } = await client.query<Row>(
    `select ${columns} from api_keys k
     left join api_keys last on last.id = $2 and last.account_id = $1
     where k.account_id = $1 and k.revoked_at is null
       and ($2::uuid is null or (k.created_at, k.id) < (last.created_at, last.id))
     order by k.created_at desc, k.id desc limit $3`,
    [accountId, cursor ?? null, limit + 1],
  );
  const items = rows.slice(0, limit).map(toApiKey);
  return { items, nextCursor: rows.length > limit ? (items.at(-1)?.id ?? null) : null };
}

/**
 * Creates a key of the account of a call, in a transaction. Its secret is not stored. A key cannot create one that may do
 * more, or longer. Throws `invalid_request`, and `conflict` if the account has too many keys.
 */
export async function createApiKey(
  client: Queryable,
  account: Account,
  { name, scopes, expiresAt = null }: NewApiKey,
): Promise<CreatedApiKey> {
  if (!scopes.every((scope) => account.scopes.includes(scope)))
    throw invalidFields([
      { field: 'scopes', message: 'must be among yours', allowed: [...account.scopes] },
    ]);
  await requireExpiry(client, account, expiresAt);
  // Keys that are created at the same time are counted one after the other.
  await client.query('select 1 from accounts where id = $1 for no key update', [account.id]);
  const secret = newApiKey();
  const { rows } = await client.query<Row>(
    `insert into api_keys as k (id, account_id, secret_hash, name, prefix, scopes, expires_at)
     select $1, $2, $3, $4, $5, $6, $7
     where (select count(*) from api_keys where account_id = $2 and revoked_at is null) < $8
     returning ${columns}`,
    [randomUUID(), account.id, hashOf(secret), name, prefixOf(secret), scopes, expiresAt, maxKeys],
  );
  const [row] = rows;
  if (!row)
    throw new AppError(
      'conflict',
      `Your account has ${maxKeys} keys. Revoke one that is not used.`,
    );
  const key = toApiKey(row);
  await recordRequest(client, {
    target: key.id,
    details: { name, prefix: key.prefix, scopes, expiresAt: key.expiresAt },
  });
  return { ...key, secret };
}

/** Throws `invalid_request` for an expiry in the past, and for one after that of the key that creates the key. */
async function requireExpiry(
  client: Queryable,
  { apiKeyId }: Account,
  expiresAt: string | null,
): Promise<void> {
  if (expiresAt !== null && !isAfter(expiresAt, new Date().toISOString()))
    throw invalidFields([{ field: 'expiresAt', message: 'must be in the future' }]);
  if (apiKeyId === null) return;
  const { rows } = await client.query<{ expires_at: Date }>(
    `select expires_at from api_keys where id = $1 and expires_at < coalesce($2::timestamptz, 'infinity')`,
    [apiKeyId, expiresAt],
  );
  const [own] = rows;
  if (own)
    throw invalidFields([
      {
        field: 'expiresAt',
        message: `must not be after ${own.expires_at.toISOString()}, when your own key expires`,
      },
    ]);
}

/** Revokes a key at once. Throws `not_found` for a key that is revoked, or another account's. */
export async function revokeApiKey(
  client: Queryable,
  accountId: string,
  id: string,
): Promise<void> {
  const { rowCount } = await client.query(
    `update api_keys set revoked_at = now() where id = $1 and account_id = $2 and revoked_at is null`,
    [id, accountId],
  );
  if (rowCount === 0) throw new AppError('not_found', 'You have no such key.');
}
