import { createPublicKey } from 'node:crypto';
import { calculateJwkThumbprint } from 'jose';
import { recordRequest } from '../audit/record-audit.ts';
import type { EventKey, EventPolicy } from '../contracts/event-policy.ts';
import { catalogue, type Queryable, transaction } from '../runtime/catalogue.ts';
import { AppError, invalidFields } from '../runtime/errors.ts';
import { type Account, accountByEmail } from './accounts.ts';

const selectPolicy = `
  select a.event_mode as mode, a.event_sources as sources,
    (select coalesce(json_agg(k.jwk order by k.created_at, k.kid), '[]')
     from event_keys k where k.account_id = a.id and k.revoked_at is null) as keys
  from accounts a`;

/** Returns the policy that decides which events may request exports for an account. Throws `not_found`. */
export async function readEventPolicy(email: string): Promise<EventPolicy> {
  const { rows } = await catalogue().query<EventPolicy>(
    `${selectPolicy} where lower(a.email) = lower($1)`,
    [email],
  );
  const [policy] = rows;
  if (!policy) throw unknownAccount(email);
  return policy;
}

/**
 * Replaces the policy of an account. Throws `not_found`, and `invalid_request` for a key that is not on its curve or
 * that reuses the `kid` of another key, even of a revoked one: a `kid` in a log identifies one key.
 */
export async function setEventPolicy(email: string, policy: EventPolicy): Promise<EventPolicy> {
  policy.keys.forEach(requirePublicKey);
  await transaction(async (client) => {
    const { rows } = await client.query<{ id: string }>(
      `update accounts set event_mode = $2, event_sources = $3 where lower(email) = lower($1)
       returning id`,
      [email, policy.mode, policy.sources],
    );
    const [account] = rows;
    if (!account) throw unknownAccount(email);
    for (const key of policy.keys) await registerKey(client, account.id, key);
    await client.query(
      `update event_keys set revoked_at = now()
       where account_id = $1 and revoked_at is null and kid <> all($2)`,
      [account.id, policy.keys.map(({ kid }) => kid)],
    );
    await recordRequest(client, {
      details: {
        mode: policy.mode,
        sources: policy.sources,
        keys: policy.keys.map(({ kid }) => kid),
      },
    });
  });
  return readEventPolicy(email);
}

async function registerKey(client: Queryable, accountId: string, key: EventKey): Promise<void> {
  const { rowCount } = await client.query(
    `insert into event_keys (account_id, kid, jwk, thumbprint) values ($1, $2, $3, $4)
     on conflict (account_id, kid) do update set jwk = excluded.jwk, revoked_at = null
       where event_keys.thumbprint = excluded.thumbprint`,
    [accountId, key.kid, key, await calculateJwkThumbprint(key)],
  );
  if (rowCount !== 1)
    throw invalidKey(`kid ${key.kid} belongs to another key, which may be revoked`);
}

/** Throws `invalid_request` if the key is not a point on its curve. The schema has checked the lengths. */
function requirePublicKey(key: EventKey): void {
  try {
    createPublicKey({ key, format: 'jwk' });
  } catch {
    throw invalidKey(`${key.kid} is not a public key of its curve`);
  }
}

const invalidKey = (message: string): AppError => invalidFields([{ field: 'keys', message }]);

const unknownAccount = (email: string): AppError =>
  new AppError('not_found', `Account ${email} not found.`);

/** An account that may request exports by event, and its policy. */
export interface Requester {
  account: Account;
  policy: EventPolicy;
}

/** Returns undefined if the account is unknown or disabled, or may not request exports by event. */
export async function requesterByEmail(
  client: Queryable,
  email: string,
): Promise<Requester | undefined> {
  const account = await accountByEmail(client, email);
  if (!account?.mayRequestByEvent) return undefined;
  const { rows } = await client.query<EventPolicy>(`${selectPolicy} where a.id = $1`, [account.id]);
  return rows[0] && { account, policy: rows[0] };
}
