import { randomUUID } from 'node:crypto';
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import {
  type ApiKeyList,
  apiKeyListSchema,
  type CreatedApiKey,
  createdApiKeySchema,
  maxKeys,
} from '../../lib/contracts/api-keys.ts';
import { routes } from '../../lib/contracts/routes.ts';
import { type Scope, scopes, scopesOf } from '../../lib/contracts/scopes.ts';
import { newAccount, newKey, type OwnAccount } from '../support/accounts.ts';
import { call, createExport, monthOfOrders } from '../support/api.ts';
import { LiveClient, liveTicket, openSocket } from '../support/live-client.ts';
import { signIn, statusOf } from '../support/sessions.ts';
import { sql, stack } from '../support/stack.ts';
import { sweep } from '../support/sweep.ts';
import { waitFor } from '../support/wait-for.ts';

let account: OwnAccount;
let other: OwnAccount;
beforeAll(async () => {
  other = await newAccount();
});
beforeEach(async () => {
  account = await newAccount();
});

const all = scopesOf('analyst');
const ask = (body: object, headers: Record<string, string> = account.byKey) =>
  call('POST', '/keys', { headers, body });
const by = (secret: string) => ({ 'x-api-key': secret });

async function create(body: object = {}): Promise<CreatedApiKey> {
  return (await ask({ name: 'a key', scopes: all, ...body })).json(createdApiKeySchema);
}

/** Returns the keys of the account, without the one that `newAccount` creates. */
async function list(headers: Record<string, string> = account.byKey) {
  const { items } = (await call('GET', '/keys', { headers })).json(apiKeyListSchema);
  return items.filter(({ name }) => name !== 'test');
}

test('a key is created, listed without its secret, used, and revoked', async () => {
  const { secret, ...key } = await create({ name: ' Nightly report ' });
  expect(key).toMatchObject({ name: 'Nightly report', scopes: all, expiresAt: null });
  expect(secret.startsWith(key.prefix)).toBe(true);
  expect(secret.length - key.prefix.length).toBeGreaterThan(30);
  expect(await list()).toEqual([key]);
  const stored = await sql(
    stack.postgres.catalogue,
    'select k::text from api_keys k where id = $1',
    [key.id],
  );
  expect(JSON.stringify(stored)).not.toContain(secret.slice(key.prefix.length));

  expect(await statusOf(by(secret))).toBe(200);
  expect((await call('DELETE', `/keys/${key.id}`, { headers: other.byKey })).status).toBe(404);
  expect((await call('DELETE', `/keys/${key.id}`, { headers: account.byKey })).status).toBe(204);
  expect(await statusOf(by(secret))).toBe(401);
  expect(await list()).toEqual([]);
  for (const id of [key.id, 'not-an-id'])
    expect((await call('DELETE', `/keys/${id}`, { headers: account.byKey })).status).toBe(404);
});

test('keys are listed in pages, newest first', async () => {
  const created = [await create({ name: '1' }), await create({ name: '2' }), await create()];
  const seen: string[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const path: string = `/keys?limit=2${cursor && `&cursor=${cursor}`}`;
    const page: ApiKeyList = (await call('GET', path, { headers: account.byKey })).json(
      apiKeyListSchema,
    );
    expect(page.items.length).toBeLessThanOrEqual(2);
    seen.push(...page.items.map(({ id }) => id));
    cursor = page.nextCursor;
  }
  expect(seen.slice(0, 3)).toEqual(created.map(({ id }) => id).toReversed());
  expect(new Set(seen).size).toBe(4);
});

test.each<[string, object, string]>([
  ['no scope', { scopes: [] }, 'scopes'],
  ['an unknown scope', { scopes: ['everything'] }, 'scopes'],
  ['a scope that the account does not have', { scopes: ['exports:read', 'admin'] }, 'scopes'],
  ['an empty name', { name: ' ' }, 'name'],
  ['a long name', { name: 'x'.repeat(101) }, 'name'],
  ['an expiry in the past', { expiresAt: '2020-01-01T00:00:00Z' }, 'expiresAt'],
  ['an unknown field', { owner: 'x' }, 'owner'],
])('a key with %s is rejected', async (_, body, field) => {
  const answer = await ask({ name: 'a key', scopes: ['exports:read'], ...body });
  expect(answer.problem()).toMatchObject({ status: 422, errors: [{ field }] });
  expect(await list()).toEqual([]);
});

describe('a key cannot create one that may do more, or longer', () => {
  test('a key without all scopes manages no keys, sessions or passwords', async () => {
    const narrow = by(await newKey(account.id, all.slice(1)));
    for (const [method, path] of [
      ['GET', '/keys'],
      ['POST', '/keys'],
      ['DELETE', `/keys/${randomUUID()}`],
      ['DELETE', '/sessions'],
      ['PUT', '/me/password'],
    ] as const)
      expect((await call(method, path, { headers: narrow })).problem()).toMatchObject({
        status: 403,
        code: 'forbidden',
      });
  });

  test('a key that expires creates keys that expire no later', async () => {
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
    const { secret } = await create({ expiresAt });
    const later = new Date(Date.now() + 3_601_000).toISOString();
    for (const wrong of [{}, { expiresAt: later }]) {
      const answer = await ask({ name: 'longer', scopes: ['exports:read'], ...wrong }, by(secret));
      expect(answer.problem()).toMatchObject({ status: 422, errors: [{ field: 'expiresAt' }] });
    }
    const same = await ask({ name: 'same', scopes: ['exports:read'], expiresAt }, by(secret));
    expect(same.json(createdApiKeySchema).expiresAt).toBe(expiresAt);
    const bySession = await signIn(account);
    expect((await ask({ name: 'longer', scopes: all }, bySession)).status).toBe(201);
  });
});

test(`an account has at most ${maxKeys} keys, however many are created at once`, async () => {
  await sql(
    stack.postgres.catalogue,
    `insert into api_keys (id, account_id, secret_hash, name, prefix, scopes)
     select gen_random_uuid(), $1, sha256(gen_random_uuid()::text::bytea), 'many', 'ssk_', '{exports:read}'
     from generate_series(1, $2)`,
    [account.id, maxKeys - 2],
  );
  const answers = await Promise.all(
    Array.from({ length: 5 }, () => ask({ name: 'one more', scopes: all })),
  );
  const statuses = answers.map(({ status }) => status);
  expect(statuses.filter((status) => status === 201)).toHaveLength(1);
  expect(statuses.filter((status) => status === 409)).toHaveLength(4);
  const [created] = (await list()).filter(({ name }) => name === 'one more');
  await call('DELETE', `/keys/${created?.id}`, { headers: account.byKey });
  await create();
});

describe('scopes', () => {
  /** A path of the route with parameters that exist nowhere. */
  const pathOf = (path: string): string =>
    path.replaceAll(/\{(\w+)\}/g, (_, name: string) => (name === 'id' ? randomUUID() : 'nowhere'));
  const scoped = routes.flatMap(({ method, path, scope }) =>
    scope === null ? [] : [{ method: method.toUpperCase(), path, scope }],
  );

  test('each route rejects a key with all scopes but its own', async () => {
    const keys = new Map<string, string>();
    for (const scope of all)
      keys.set(
        scope,
        await newKey(
          account.id,
          all.filter((one) => one !== scope),
        ),
      );
    for (const { method, path, scope } of scoped) {
      const secret = keys.get(scope) ?? keys.get('exports:read') ?? '';
      const answer = await call(method, pathOf(path), { headers: by(secret) });
      expect([method, path, answer.problem().code]).toEqual([method, path, 'forbidden']);
    }
  });

  test('each route lets a key with only its own scope pass', async () => {
    const keys = new Map<Scope, string>();
    for (const scope of scopes) keys.set(scope, await newKey(account.id, [scope]));
    for (const { method, path, scope } of scoped) {
      // An analyst cannot call the routes of administrators, whatever the key has.
      if (scope === 'all' || scope === 'admin') continue;
      const answer = await call(method, pathOf(path), { headers: by(keys.get(scope) ?? '') });
      expect([method, path, answer.status]).not.toEqual([method, path, 403]);
      expect([method, path, answer.status]).not.toEqual([method, path, 401]);
    }
  });

  test('an administrator needs the scope admin, and the scope admin an administrator', async () => {
    const [read, admin] = [await newKey(account.id, all), await newKey(account.id, ['admin'])];
    const status = async (key: string) =>
      (await call('GET', '/admin/accounts?limit=1', { headers: by(key) })).status;
    expect([await status(read), await status(admin)]).toEqual([403, 403]);
    const setRole = (role: string) =>
      sql(stack.postgres.catalogue, 'update accounts set role = $2 where id = $1', [
        account.id,
        role,
      ]);
    await setRole('admin');
    expect([await status(read), await status(admin)]).toEqual([403, 200]);
    await setRole('analyst');
    expect(await status(admin)).toBe(403);
  });

  test('only a key with files:read continues a download that another one began', async () => {
    const { id } = await createExport(monthOfOrders, account.byKey);
    await waitFor('the export is ready', async () => {
      const { bytes } = await call('GET', `/exports/${id}`, { headers: account.byKey });
      return bytes.includes('"status":"ready"') || undefined;
    });
    const answer = await call('POST', `/exports/${id}/download`, { headers: account.byKey });
    const url = String(JSON.parse(answer.bytes.toString()).url);
    expect((await call('GET', url)).status).toBe(200);
    const without = await newKey(
      account.id,
      all.filter((scope) => scope !== 'files:read'),
    );
    const only = await newKey(account.id, ['files:read']);
    expect((await call('GET', url, { headers: by(without) })).status).toBe(403);
    expect((await call('GET', url, { headers: by(only) })).status).toBe(200);
  });

  test('a socket of a key without exports:read gets no exports', async () => {
    const narrow = await LiveClient.open(by(await newKey(account.id, ['readings:read'])));
    const wide = await LiveClient.open(account.byKey);
    const { id } = await createExport(monthOfOrders, account.byKey);
    await wide.message(
      (message) =>
        message.type === 'export' && message.export.id === id && message.export.status === 'ready',
    );
    expect(narrow.messages).toEqual([]);
    narrow.close();
    wide.close();
  });
});

test('a key that has expired is refused, with its links and sockets', async () => {
  const { id: keyId, secret } = await create();
  const { id } = await createExport(monthOfOrders, account.byKey);
  await waitFor('the export is ready', async () => {
    const { bytes } = await call('GET', `/exports/${id}`, { headers: account.byKey });
    return bytes.includes('"status":"ready"') || undefined;
  });
  const download = await call('POST', `/exports/${id}/download`, { headers: by(secret) });
  const url = String(JSON.parse(download.bytes.toString()).url);
  const socket = await LiveClient.open(by(secret));
  const unused = await liveTicket(by(secret));
  await sql(stack.postgres.catalogue, 'update api_keys set expires_at = now() where id = $1', [
    keyId,
  ]);
  const answer = await call('GET', '/me', { headers: by(secret) });
  expect(answer.problem()).toMatchObject({
    status: 401,
    detail: 'The API key has expired. Create another one.',
  });
  expect((await call('GET', url)).status).toBe(403);
  await expect(openSocket(unused)).rejects.toThrow();
  await sweep();
  await waitFor('the socket is closed', async () => !socket.isOpen || undefined, { seconds: 10 });
  expect(await list()).toMatchObject([{ id: keyId, expiresAt: expect.any(String) }]);
});

test('the last use of a key is written at most once a minute', async () => {
  const { id, secret } = await create();
  const lastUse = async () => (await list())[0]?.lastUsedAt;
  const usedSecondsAgo = (seconds: number) =>
    sql<{ last_used_at: Date }>(
      stack.postgres.catalogue,
      `update api_keys set last_used_at = now() - make_interval(secs => $2) where id = $1
       returning last_used_at`,
      [id, seconds],
    );
  expect(await lastUse()).toBeNull();
  await statusOf(by(secret));
  expect(await lastUse()).toEqual(expect.any(String));
  const [recent] = await usedSecondsAgo(45);
  await statusOf(by(secret));
  expect(await lastUse()).toBe(recent?.last_used_at.toISOString());
  const [old] = await usedSecondsAgo(61);
  await statusOf(by(secret));
  expect(await lastUse()).not.toBe(old?.last_used_at.toISOString());
});
