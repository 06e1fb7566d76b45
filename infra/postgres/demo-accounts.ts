import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { hashPassword } from '../../lib/access/passwords.ts';
import { hashOf, newApiKey, newSecret, prefixOf } from '../../lib/access/secrets.ts';
import { scopesOf } from '../../lib/contracts/scopes.ts';
import { type Queryable, transaction } from '../../lib/runtime/catalogue.ts';

const credentialsSchema = z.object({ email: z.string(), password: z.string(), apiKey: z.string() });
const fileSchema = z.object({
  demo: credentialsSchema,
  admin: credentialsSchema,
  other: credentialsSchema,
});
type Credentials = z.infer<typeof credentialsSchema>;
type CredentialsFile = z.infer<typeof fileSchema>;

const roles = { demo: 'analyst', admin: 'admin', other: 'analyst' } as const;

interface GrantedSources {
  /** Granted to each account when it is created. */
  sources: readonly string[];
  /** Granted to `demo` and `admin` at each start, as they depend on the environment. */
  ownSources: readonly string[];
}

/**
 * Creates the three local accounts. Their passwords and keys are random, created once, and stored only in `file` (mode
 * 600): the catalogue has hashes.
 */
export async function createDemoAccounts(
  file: string,
  { sources, ownSources }: GrantedSources,
): Promise<void> {
  const credentials = await openCredentials(file);
  await transaction(async (client) => {
    await upsert(client, credentials.demo, roles.demo, sources);
    await upsert(client, credentials.admin, roles.admin, sources);
    await upsert(client, credentials.other, roles.other, sources);
    const ownerEmails = [credentials.demo.email, credentials.admin.email];
    await client.query(
      `delete from grants g using accounts a
       where a.id = g.account_id and a.email = any($1) and g.source <> all($2)`,
      [ownerEmails, [...sources, ...ownSources]],
    );
    await client.query(
      `insert into grants (account_id, source)
       select a.id, own.source from accounts a cross join unnest($2::text[]) own (source)
       where a.email = any($1) on conflict do nothing`,
      [ownerEmails, ownSources],
    );
  });
}

/** Returns the credentials of the file, which is created if it does not exist. */
export async function openCredentials(file: string): Promise<CredentialsFile> {
  if (existsSync(file)) return fileSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  const credentials = newCredentialsFile();
  await writeFile(`${file}.new`, `${JSON.stringify(credentials, null, 2)}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
  return credentials;
}

function newCredentials(name: string): Credentials {
  return {
    email: `${name}@streamsync.example`,
    password: newSecret().slice(0, 20),
    apiKey: newApiKey(),
  };
}

function newCredentialsFile(): CredentialsFile {
  return {
    demo: newCredentials('demo'),
    admin: newCredentials('admin'),
    other: newCredentials('other'),
  };
}

async function upsert(
  client: Queryable,
  { email, password, apiKey }: Credentials,
  role: 'analyst' | 'admin',
  sources: readonly string[],
): Promise<void> {
  const keyHash = hashOf(apiKey);
  const known = await client.query<{ id: string; has_key: boolean }>(
    `select a.id, exists (select 1 from api_keys k where k.account_id = a.id and k.secret_hash = $2) as has_key
     from accounts a where lower(a.email) = lower($1)`,
    [email, keyHash],
  );
  const [account] = known.rows;
  // The credentials of the file are in the catalogue already: skipping the slow password hash speeds up the start.
  if (account?.has_key) return;
  const id = account?.id ?? randomUUID();
  await client.query(
    `insert into accounts (id, email, password_hash, role, may_request_by_event) values ($1, $2, $3, $4, true)
     on conflict (id) do update set password_hash = excluded.password_hash`,
    [id, email, await hashPassword(password), role],
  );
  await client.query(
    `insert into api_keys (id, account_id, secret_hash, name, prefix, scopes)
     values ($1, $2, $3, 'credentials.json', $4, $5)`,
    [randomUUID(), id, keyHash, prefixOf(apiKey), scopesOf(role)],
  );
  await client.query(
    'insert into grants (account_id, source) select $1, unnest($2::text[]) on conflict do nothing',
    [id, sources],
  );
}
