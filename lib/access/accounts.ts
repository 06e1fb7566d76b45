import type { Grant } from '../contracts/grants.ts';
import type { AccountLimits } from '../contracts/limits.ts';
import { type Scope, scopesOf } from '../contracts/scopes.ts';
import type { Queryable } from '../runtime/catalogue.ts';
import { grantsJson } from './grants-json.ts';
import { limitsJson } from './limits.ts';
import type { SessionIds } from './session-tokens.ts';

/** An account, read from the catalogue at every call so that a revocation takes effect at once. */
export interface Account {
  id: string;
  email: string;
  role: 'analyst' | 'admin';
  mayRequestByEvent: boolean;
  /** Names of the sources of which a dataset is granted, sorted. */
  sources: string[];
  grants: Grant[];
  /** Limits of each of its exports, and its own quotas. */
  limits: AccountLimits;
  /** Id of the API key of the call, null for a session. */
  apiKeyId: string | null;
  /** Id of the session of the call, null for an API key. */
  sessionId: string | null;
  /** What the call may do: for a session all that the role permits. */
  scopes: readonly Scope[];
}

type Credential = Pick<Account, 'apiKeyId' | 'sessionId'> & {
  /** Absent: all scopes. */
  scopes?: readonly Scope[];
};
const none: Credential = { apiKeyId: null, sessionId: null };

export interface AccountRow {
  id: string;
  email: string;
  role: Account['role'];
  may_request_by_event: boolean;
  grants: Grant[];
  disabled: boolean;
  created_at: Date;
  limits: AccountLimits;
}

/** SQL of the columns of `AccountRow`, of account `a`. */
export const accountColumns = `a.id, a.email, a.role, a.may_request_by_event,
    a.disabled_at is not null as disabled, a.created_at, ${limitsJson}, ${grantsJson('a.id')} as grants`;
const selectAccounts = `select ${accountColumns} from accounts a`;

const toAccount = (row: AccountRow, { apiKeyId, sessionId, scopes }: Credential): Account => ({
  id: row.id,
  email: row.email,
  role: row.role,
  mayRequestByEvent: row.may_request_by_event,
  sources: [...new Set(row.grants.map(({ source }) => source))],
  grants: row.grants,
  limits: row.limits,
  apiKeyId,
  sessionId,
  // A key keeps its scopes if its account is no longer an administrator.
  scopes: scopesOf(row.role).filter((scope) => scopes?.includes(scope) ?? true),
});

/** Returns the account of a session, undefined if the session has ended or is not one of this account. */
export async function accountBySession(
  client: Queryable,
  { accountId, sessionId }: SessionIds,
): Promise<Account | undefined> {
  const { rows } = await client.query<AccountRow>(
    `select account.*
     from sessions s
     cross join lateral (${selectAccounts} where a.id = s.account_id and a.disabled_at is null) account
     where s.id = $1 and s.account_id = $2 and s.revoked_at is null and s.expires_at > now()`,
    [sessionId, accountId],
  );
  return rows[0] && toAccount(rows[0], { apiKeyId: null, sessionId });
}

export async function accountByEmail(
  client: Queryable,
  email: string,
): Promise<Account | undefined> {
  const { rows } = await client.query<AccountRow>(
    `${selectAccounts} where lower(a.email) = lower($1) and a.disabled_at is null`,
    [email],
  );
  return rows[0] && toAccount(rows[0], none);
}

interface KeyRow {
  key_id: string;
  scopes: Scope[];
  has_expired: boolean;
  is_use_to_record: boolean;
}

/** SQL: the last use of key `k` was recorded more than a minute ago. */
const isUseToRecord = `coalesce(k.last_used_at <= now() - interval '1 minute', true)`;

/**
 * Returns the account of an API key by the hash of its secret, `expired` if the key has expired, undefined if it is
 * unknown or revoked. Records its use, at most once a minute.
 */
export async function accountByKeyHash(
  client: Queryable,
  secretHash: Buffer,
): Promise<Account | 'expired' | undefined> {
  const { rows } = await client.query<AccountRow & KeyRow>(
    `select account.*, k.id as key_id, k.scopes, coalesce(k.expires_at <= now(), false) as has_expired,
       ${isUseToRecord} as is_use_to_record
     from api_keys k
     cross join lateral (${selectAccounts} where a.id = k.account_id and a.disabled_at is null) account
     where k.secret_hash = $1 and k.revoked_at is null`,
    [secretHash],
  );
  const [row] = rows;
  if (!row) return undefined;
  if (row.has_expired) return 'expired';
  if (row.is_use_to_record)
    // A concurrent call may have recorded it since.
    await client.query(
      `update api_keys k set last_used_at = now() where k.id = $1 and ${isUseToRecord}`,
      [row.key_id],
    );
  return toAccount(row, { apiKeyId: row.key_id, sessionId: null, scopes: row.scopes });
}

/** Returns the id and password hash of an account for sign-in, undefined if it is unknown or disabled. */
export async function passwordHashOf(
  client: Queryable,
  email: string,
): Promise<{ id: string; hash: string } | undefined> {
  const { rows } = await client.query<{ id: string; hash: string }>(
    `select id, password_hash as hash from accounts where lower(email) = lower($1) and disabled_at is null`,
    [email],
  );
  return rows[0];
}
