import { randomUUID } from 'node:crypto';
import { hashPassword } from '../../lib/access/passwords.ts';
import { hashOf, newApiKey, newSecret, prefixOf } from '../../lib/access/secrets.ts';
import { type Scope, scopesOf } from '../../lib/contracts/scopes.ts';
import { type Person, sql, stack } from './stack.ts';

export interface OwnAccount extends Person {
  id: string;
  /** The headers of a call that is authenticated by the account's key. */
  byKey: { 'x-api-key': string };
}

/** Creates an analyst of a suite's own, with grants for both sources and the right to request by event. */
export async function newAccount(): Promise<OwnAccount> {
  const id = randomUUID();
  const email = `${id}@tests.example`;
  const password = newSecret();
  await sql(
    stack.postgres.catalogue,
    `insert into accounts (id, email, password_hash, role, may_request_by_event)
     values ($1, $2, $3, 'analyst', true)`,
    [id, email, await hashPassword(password)],
  );
  await sql(
    stack.postgres.catalogue,
    `insert into grants (account_id, source) values ($1, 'sales'), ($1, 'iot')`,
    [id],
  );
  const apiKey = await newKey(id);
  return { id, email, password, apiKey, byKey: { 'x-api-key': apiKey } };
}

/** Creates a further key of an account, by default with all scopes of an analyst. */
export async function newKey(
  accountId: string,
  scopes: readonly Scope[] = scopesOf('analyst'),
): Promise<string> {
  const apiKey = newApiKey();
  await sql(
    stack.postgres.catalogue,
    `insert into api_keys (id, account_id, secret_hash, name, prefix, scopes)
     values ($1, $2, $3, 'test', $4, $5)`,
    [randomUUID(), accountId, hashOf(apiKey), prefixOf(apiKey), scopes],
  );
  return apiKey;
}
