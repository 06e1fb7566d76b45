import { randomUUID } from 'node:crypto';
import { recordRequest } from '../audit/record-audit.ts';
import type {
  AccountChange,
  AccountDocument,
  AccountList,
  AccountListQuery,
  Revocations,
  Role,
} from '../contracts/accounts.ts';
import { advisoryLocks, type Queryable } from '../runtime/catalogue.ts';
import { AppError } from '../runtime/errors.ts';
import { type AccountRow, accountColumns } from './accounts.ts';
import { credentialJoins, isCredentialValid } from './credentials.ts';
import { grantDocument } from './grants-json.ts';
import { setLimits } from './limits.ts';
import { newSecret } from './secrets.ts';
import { endSessions } from './sessions.ts';

const selectDocuments = `select ${accountColumns} from accounts a`;

const toDocument = (row: AccountRow): AccountDocument => ({
  email: row.email,
  role: row.role,
  disabled: row.disabled,
  mayRequestByEvent: row.may_request_by_event,
  limits: row.limits,
  grants: row.grants.map(grantDocument),
  createdAt: row.created_at.toISOString(),
});

/** Returns a page of all accounts, by email. */
export async function listAccounts(
  client: Queryable,
  { cursor, limit }: AccountListQuery,
): Promise<AccountList> {
  const { rows } = await client.query<AccountRow>(
    `${selectDocuments}
     where $1::uuid is null or lower(a.email) > (select lower(email) from accounts where id = $1)
     order by lower(a.email) limit $2`,
    [cursor ?? null, limit + 1],
  );
  const page = rows.slice(0, limit);
  return {
    items: page.map(toDocument),
    nextCursor: rows.length > limit ? (page.at(-1)?.id ?? null) : null,
  };
}

/** Returns an account, also a disabled one. Throws `not_found`. */
async function readAccount(client: Queryable, email: string): Promise<AccountDocument> {
  const { rows } = await client.query<AccountRow>(
    `${selectDocuments} where lower(a.email) = lower($1)`,
    [email],
  );
  const [row] = rows;
  if (!row) throw unknownAccount(email);
  return toDocument(row);
}

/** Returns a password for a new account: 144 random bits. */
export const newInitialPassword = (): string => newSecret().slice(0, 24);

interface AccountToCreate {
  email: string;
  role: Role;
  mayRequestByEvent: boolean;
  passwordHash: string;
}

/** Creates an account without grants, in a transaction. Throws `conflict` if the email belongs to one, in whatever case. */
export async function createAccount(
  client: Queryable,
  account: AccountToCreate,
): Promise<AccountDocument> {
  await insertAccount(client, account);
  const { email, role, mayRequestByEvent } = account;
  await recordRequest(client, { target: email, details: { role, mayRequestByEvent } });
  return readAccount(client, email);
}

/** The same without an entry in the audit. */
export async function insertAccount(
  client: Queryable,
  { email, role, mayRequestByEvent, passwordHash }: AccountToCreate,
): Promise<void> {
  const { rowCount } = await client.query(
    `insert into accounts (id, email, password_hash, role, may_request_by_event)
     values ($1, $2, $3, $4, $5) on conflict (lower(email)) do nothing`,
    [randomUUID(), email, passwordHash, role, mayRequestByEvent],
  );
  if (rowCount === 0) throw new AppError('conflict', `Account ${email} exists.`);
}

/**
 * Changes an account, in a transaction. Throws `not_found`, and `conflict` if no administrator would be left who can call.
 */
export async function changeAccount(
  client: Queryable,
  email: string,
  { role, disabled, mayRequestByEvent, limits }: AccountChange,
): Promise<AccountDocument> {
  // Two administrators who remove each other are handled one after the other.
  await client.query('select pg_advisory_xact_lock($1)', [advisoryLocks.administrators]);
  const { rows } = await client.query<{ id: string; was_administrator: boolean }>(
    `select id, role = 'admin' and disabled_at is null as was_administrator
     from accounts where lower(email) = lower($1) for no key update`,
    [email],
  );
  const [account] = rows;
  if (!account) throw unknownAccount(email);
  await client.query(
    `update accounts set role = coalesce($2, role),
       may_request_by_event = coalesce($3, may_request_by_event),
       disabled_at = case when $4 then coalesce(disabled_at, now()) when not $4 then null else disabled_at end
     where id = $1`,
    [account.id, role ?? null, mayRequestByEvent ?? null, disabled ?? null],
  );
  if (account.was_administrator) await requireAdministrator(client);
  if (disabled === true) await endSessions(client, account.id);
  if (limits) await setLimits(email, limits, client);
  const changed = await readAccount(client, email);
  await recordRequest(client, {
    target: changed.email,
    details: {
      ...(role === undefined ? {} : { role }),
      ...(disabled === undefined ? {} : { disabled }),
      ...(mayRequestByEvent === undefined ? {} : { mayRequestByEvent }),
      ...(limits === undefined ? {} : limits),
    },
  });
  return changed;
}

async function requireAdministrator(client: Queryable): Promise<void> {
  const { rowCount } = await client.query(
    `select 1 from accounts where role = 'admin' and disabled_at is null limit 1`,
  );
  if (rowCount === 0)
    throw new AppError(
      'conflict',
      'This is the last administrator. Make another account an administrator first.',
    );
}

/** Sets the password of an account and ends its sessions, in a transaction. Throws `not_found`. */
export async function resetPassword(
  client: Queryable,
  email: string,
  passwordHash: string,
): Promise<void> {
  const { rows } = await client.query<{ id: string }>(
    'update accounts set password_hash = $2 where lower(email) = lower($1) returning id',
    [email, passwordHash],
  );
  const [account] = rows;
  if (!account) throw unknownAccount(email);
  const sessions = await endSessions(client, account.id);
  await recordRequest(client, { details: { sessions } });
}

/**
 * Ends the sessions and keys of an account, and the tickets that can still be used, in a transaction. Its sockets close
 * with the sessions and keys. Returns how many ended. Throws `not_found`.
 */
export async function revokeAccount(client: Queryable, email: string): Promise<Revocations> {
  const { rows } = await client.query<{ id: string }>(
    'select id from accounts where lower(email) = lower($1) for no key update',
    [email],
  );
  const [account] = rows;
  if (!account) throw unknownAccount(email);
  const tickets = await client.query(
    `update tickets set revoked_at = now() where secret_hash = any(array(
       select t.secret_hash from tickets t
       join exports e on e.id = t.export_id ${credentialJoins('t')}
       where t.account_id = $1 and t.revoked_at is null and ${isCredentialValid}
         and (t.first_used_at is not null or t.first_use_before > now())
         and e.state = 'ready' and e.deleted_at is null and e.expires_at > now()
         and e.object_key = t.object_key))`,
    [account.id],
  );
  const liveTickets = await client.query(
    'delete from live_tickets where account_id = $1 and expires_at > now()',
    [account.id],
  );
  const keys = await client.query(
    `update api_keys set revoked_at = now()
     where account_id = $1 and revoked_at is null and coalesce(expires_at > now(), true)`,
    [account.id],
  );
  const revocations = {
    sessions: await endSessions(client, account.id),
    keys: keys.rowCount ?? 0,
    tickets: (tickets.rowCount ?? 0) + (liveTickets.rowCount ?? 0),
  };
  await recordRequest(client, { target: email, details: revocations });
  return revocations;
}

const unknownAccount = (email: string): AppError =>
  new AppError('not_found', `Account ${email} not found.`);
