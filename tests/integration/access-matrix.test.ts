import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { base64url, decodeJwt, decodeProtectedHeader, SignJWT } from 'jose';
import { keySetSchema } from '../../lib/contracts/key-set.ts';
import type { Route } from '../../lib/contracts/route.ts';
import { routes } from '../../lib/contracts/routes.ts';
import { type Scope, scopes, scopesOf } from '../../lib/contracts/scopes.ts';
import { newAccount, newKey, type OwnAccount } from '../support/accounts.ts';
import { call } from '../support/api.ts';
import { readyExport } from '../support/ready-export.ts';
import { signAgain, signIn } from '../support/sessions.ts';
import { sql, stack } from '../support/stack.ts';

/**
 * Who may call which route: each caller calls each route of the OpenAPI document. A route without a row here fails the
 * first test.
 *
 * - `anyone`: credentials do not matter.
 * - `account`: every account, for what is its own.
 * - `owner`: the account whose export or key it is; for others it does not exist.
 * - `administrator`: accounts with the role.
 */
type Access = 'anyone' | 'account' | 'owner' | 'administrator';

const access: Readonly<Record<string, Access>> = {
  createSession: 'anyone',
  getKeys: 'anyone',
  getHealth: 'anyone',
  getOpenApi: 'anyone',
  getAsyncApi: 'anyone',
  getSignInMethods: 'anyone',
  startOidc: 'anyone',
  finishOidc: 'anyone',

  getMe: 'account',
  setPassword: 'account',
  endSession: 'account',
  endSessions: 'account',
  listKeys: 'account',
  createKey: 'account',
  listSources: 'account',
  getDataset: 'account',
  getHistogram: 'account',
  createExport: 'account',
  estimateExport: 'account',
  previewExport: 'account',
  listExports: 'account',
  createLiveTicket: 'account',
  listSeries: 'account',
  getReadings: 'account',
  createReadings: 'account',

  revokeKey: 'owner',
  getExport: 'owner',
  deleteExport: 'owner',
  retryExport: 'owner',
  getManifest: 'owner',
  createDownload: 'owner',
  getFile: 'owner',
  acknowledgeExport: 'owner',

  getLimits: 'administrator',
  setLimits: 'administrator',
  getEventPolicy: 'administrator',
  setEventPolicy: 'administrator',
  pauseSource: 'administrator',
  resumeSource: 'administrator',
  listAccounts: 'administrator',
  createAccount: 'administrator',
  changeAccount: 'administrator',
  setGrants: 'administrator',
  revokeAccount: 'administrator',
  listAllExports: 'administrator',
  cancelExport: 'administrator',
  listAudit: 'administrator',
  getStats: 'administrator',
  listRunning: 'administrator',
  listSourceStates: 'administrator',
  listDeadLetters: 'administrator',
  replayDeadLetter: 'administrator',
  discardDeadLetter: 'administrator',
};

type Headers = Record<string, string>;

/** Callers whose credentials are not, or no longer, those of an account. */
const unauthenticated: Record<string, Headers> = { anonymous: {} };
let owner: OwnAccount;
let other: OwnAccount;
let admin: OwnAccount;
/** An account that administrators may change and revoke. */
let subject: OwnAccount;
let exportId = '';
let keyId = '';

const bearer = (token: string): Headers => ({ authorization: `Bearer ${token}` });
const catalogue = (text: string, values: unknown[]) => sql(stack.postgres.catalogue, text, values);

async function newAdmin(): Promise<OwnAccount> {
  const account = await newAccount();
  await catalogue(`update accounts set role = 'admin' where id = $1`, [account.id]);
  return { ...account, byKey: { 'x-api-key': await newKey(account.id, scopes) } };
}

/** Returns a token with the header and claims of another, signed with the public key as if it were a secret. */
async function signedWithPublicKey(token: string): Promise<string> {
  const [key] = (await call('GET', '/.well-known/jwks.json')).json(keySetSchema).keys;
  if (!key) throw new Error('the key set is empty');
  const { kid } = decodeProtectedHeader(token);
  return new SignJWT(decodeJwt(token))
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT', ...(kid !== undefined && { kid }) })
    .sign(base64url.decode(key.x));
}

const unsigned = (token: string): string =>
  `${base64url.encode(JSON.stringify({ alg: 'none', typ: 'JWT' }))}.${token.split('.')[1]}.`;

async function keyUnless(condition: string): Promise<Headers> {
  const key = await newKey(owner.id);
  await catalogue(`update api_keys set ${condition} where secret_hash = sha256($1)`, [
    Buffer.from(key),
  ]);
  return { 'x-api-key': key };
}

beforeAll(async () => {
  owner = await newAccount();
  other = await newAccount();
  admin = await newAdmin();
  subject = await newAccount();
  const disabled = await newAccount();
  const ofDisabled = await signIn(disabled);
  await catalogue('update accounts set disabled_at = now() where id = $1', [disabled.id]);
  const revoked = await signIn(owner);
  expect((await call('DELETE', '/sessions/current', { headers: revoked })).status).toBe(204);
  const { authorization } = await signIn(owner);
  const token = authorization.slice('Bearer '.length);
  Object.assign(unauthenticated, {
    'an unknown key': { 'x-api-key': randomUUID() },
    'a revoked key': await keyUnless('revoked_at = now()'),
    'an expired key': await keyUnless(`expires_at = now() - interval '1 second'`),
    'the key of a disabled account': disabled.byKey,
    'the session of a disabled account': ofDisabled,
    'a revoked session': revoked,
    'an expired token': bearer(await signAgain(token, { exp: Math.floor(Date.now() / 1_000) - 1 })),
    'a token for another audience': bearer(
      await signAgain(token, { aud: 'https://other.example' }),
    ),
    'a token with alg none': bearer(unsigned(token)),
    'a token signed by HS256 with the public key': bearer(await signedWithPublicKey(token)),
  });
  exportId = await readyExport(owner.byKey);
  const spare = await newKey(owner.id);
  const [key] = await sql<{ id: string }>(
    stack.postgres.catalogue,
    'select id from api_keys where secret_hash = sha256($1)',
    [Buffer.from(spare)],
  );
  keyId = key?.id ?? '';
});

/** Values of the path parameters and required query parameters. */
const parameters = (route: Route): Record<string, string> => ({
  id: route.path.startsWith('/keys') ? keyId : exportId,
  email: subject.email,
  name: 'sales',
  source: 'sales',
  dataset: 'orders',
  topic: 'readings.dlq',
  partition: '0',
  offset: '999999999',
});

/** Returns the status. A body is never valid, so that no call changes anything. */
async function statusFor(route: Route, headers: Headers): Promise<number> {
  const path = route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const value = parameters(route)[name];
    if (value === undefined) throw new Error(`${route.path}: no value for ${name}`);
    return encodeURIComponent(value);
  });
  const answer = await call(route.method.toUpperCase(), path, {
    headers,
    ...(route.body && { body: { 'not a field': true } }),
  });
  return answer.status;
}

const rejections = [401, 403];

/** A key of the owner, or of the administrator, that lacks the scope of the route. */
async function withoutScope({ operationId, scope }: Route): Promise<Headers> {
  const isAdmin = access[operationId] === 'administrator';
  const account = isAdmin ? admin : owner;
  const all = scopesOf(isAdmin ? 'admin' : 'analyst');
  const missing: Scope | undefined = scope === 'all' ? 'files:read' : (scope ?? undefined);
  return {
    'x-api-key': await newKey(
      account.id,
      all.filter((each) => each !== missing),
    ),
  };
}

test('each route has a row in the table, and each row is of a route', () => {
  expect(Object.keys(access).toSorted()).toEqual(
    routes.map(({ operationId }) => operationId).toSorted(),
  );
});

/** What ends or deletes something comes last, so that the other routes find it. */
const last = new Set(['deleteExport', 'revokeKey', 'endSessions', 'revokeAccount']);
const inOrder = routes.toSorted(
  (a, b) => Number(last.has(a.operationId)) - Number(last.has(b.operationId)),
);

describe.each(inOrder.map((route) => [route.operationId, route] as const))('%s', (name, route) => {
  const rule = access[name];

  test('for callers without valid credentials', async () => {
    for (const [caller, headers] of Object.entries(unauthenticated)) {
      const status = await statusFor(route, headers);
      if (rule === 'anyone') expect([caller, rejections.includes(status)]).toEqual([caller, false]);
      else expect([caller, status]).toEqual([caller, 401]);
    }
  });

  test('for a key with too small a scope', async () => {
    if (route.scope === null) return;
    expect(await statusFor(route, await withoutScope(route))).toBe(403);
  });

  test('for another account, the owner and an administrator', async () => {
    const allowed = [...rejections, ...(rule === 'owner' ? [404] : [])];
    const isAllowed = async (headers: Headers) =>
      !allowed.includes(await statusFor(route, headers));
    if (rule === 'administrator') {
      expect(await statusFor(route, other.byKey)).toBe(403);
      expect(await statusFor(route, owner.byKey)).toBe(403);
      expect(await isAllowed(admin.byKey)).toBe(true);
    } else if (rule === 'owner') {
      expect(await statusFor(route, other.byKey)).toBe(404);
      expect(await statusFor(route, admin.byKey)).toBe(404);
      expect(await isAllowed(owner.byKey)).toBe(true);
    } else for (const { byKey } of [other, admin, owner]) expect(await isAllowed(byKey)).toBe(true);
  });
});
