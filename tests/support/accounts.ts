import { randomUUID } from 'node:crypto';
import { hashPassword } from '../../lib/access/passwords.ts';
import { hashOf, newApiKey, newSecret } from '../../lib/access/secrets.ts';
import { type Person, sql, stack } from './stack.ts';

export interface OwnAccount extends Person {
  id: string;
  /** What a call by its key sends. */
  byKey: { 'x-api-key': string };
}

/** Makes an analyst of a suite's own, who may read both sources and ask by event, so that others' accounts stay as they are. */
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

/** Makes another key of an account. */
export async function newKey(accountId: string): Promise<string> {
  const apiKey = newApiKey();
  await sql(
    stack.postgres.catalogue,
    'insert into api_keys (id, account_id, secret_hash) values ($1, $2, $3)',
    [randomUUID(), accountId, hashOf(apiKey)],
  );
  return apiKey;
}
