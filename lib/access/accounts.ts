import type { Limits } from '../contracts/limits.ts';
import type { Queryable } from '../runtime/catalogue.ts';

/** An account as every call sees it: read at that moment, so that a revocation works at once. */
export interface Account {
  id: string;
  email: string;
  role: 'analyst' | 'admin';
  mayRequestByEvent: boolean;
  /** The sources it may read, sorted. */
  sources: string[];
  /** What one of its exports may be. */
  limits: Limits;
  /** The key the call was made with, null for a session. */
  apiKeyId: string | null;
}

interface Row {
  id: string;
  email: string;
  role: Account['role'];
  may_request_by_event: boolean;
  max_rows: number | null;
  max_bytes: number | null;
  sources: string[];
}

const selectAccounts = `
  select a.id, a.email, a.role, a.may_request_by_event, a.max_rows, a.max_bytes,
    array(select g.source from grants g where g.account_id = a.id order by g.source) as sources
  from accounts a`;

const toAccount = (row: Row, apiKeyId: string | null): Account => ({
  id: row.id,
  email: row.email,
  role: row.role,
  mayRequestByEvent: row.may_request_by_event,
  sources: row.sources,
  limits: { maxRows: row.max_rows, maxBytes: row.max_bytes },
  apiKeyId,
});

export async function accountById(client: Queryable, id: string): Promise<Account | undefined> {
  const { rows } = await client.query<Row>(
    `${selectAccounts} where a.id = $1 and a.disabled_at is null`,
    [id],
  );
  return rows[0] && toAccount(rows[0], null);
}

export async function accountByEmail(
  client: Queryable,
  email: string,
): Promise<Account | undefined> {
  const { rows } = await client.query<Row>(
    `${selectAccounts} where lower(a.email) = lower($1) and a.disabled_at is null`,
    [email],
  );
  return rows[0] && toAccount(rows[0], null);
}

/** The account of a key that is not revoked, by the hash of its secret. */
export async function accountByKeyHash(
  client: Queryable,
  secretHash: Buffer,
): Promise<Account | undefined> {
  const { rows } = await client.query<Row & { key_id: string }>(
    `select account.*, k.id as key_id
     from api_keys k
     cross join lateral (${selectAccounts} where a.id = k.account_id and a.disabled_at is null) account
     where k.secret_hash = $1 and k.revoked_at is null`,
    [secretHash],
  );
  return rows[0] && toAccount(rows[0], rows[0].key_id);
}

/** For sign-in only: the id and password hash of an account that is not disabled. */
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
