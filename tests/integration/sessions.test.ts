import { randomUUID } from 'node:crypto';
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import {
  base64url,
  createLocalJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  type JWTPayload,
  jwtVerify,
  SignJWT,
} from 'jose';
import { z } from 'zod';
import { keySetSchema } from '../../lib/contracts/key-set.ts';
import { newAccount, type OwnAccount } from '../support/accounts.ts';
import { call, createExport, monthOfOrders } from '../support/api.ts';
import { LiveClient, liveTicket, openSocket } from '../support/live-client.ts';
import { type BySession, signAgain, signIn, statusOf } from '../support/sessions.ts';
import { sql, stack } from '../support/stack.ts';
import { sweep } from '../support/sweep.ts';
import { waitFor } from '../support/wait-for.ts';

let account: OwnAccount;
let other: OwnAccount;
let session: BySession;

beforeAll(async () => {
  [account, other] = [await newAccount(), await newAccount()];
});
beforeEach(async () => {
  session = await signIn(account);
});

const tokenOf = ({ authorization }: BySession): string => authorization.slice('Bearer '.length);
const idOf = (one: BySession): string => z.string().parse(decodeJwt(tokenOf(one)).sid);

test('a token is signed by a key of the key set, for this deployment', async () => {
  const keySet = (await call('GET', '/.well-known/jwks.json')).json(keySetSchema);
  const { payload, protectedHeader } = await jwtVerify(
    tokenOf(session),
    createLocalJWKSet(keySet),
    { issuer: 'streamsync', audience: stack.url },
  );
  expect(protectedHeader.kid).toBe(keySet.keys[0]?.kid);
  expect(payload).toMatchObject({ sub: account.id, sid: expect.any(String) });
});

test('a session is stored with its sign-in, without its token', async () => {
  const rows = await sql<{ address: string; user_agent: string }>(
    stack.postgres.catalogue,
    'select * from sessions where id = $1',
    [idOf(session)],
  );
  expect(rows).toMatchObject([
    { account_id: account.id, address: '127.0.0.1', user_agent: 'node', revoked_at: null },
  ]);
  expect(JSON.stringify(rows)).not.toContain(tokenOf(session).split('.')[2]);
});

describe('forged tokens are unauthenticated', () => {
  const signed = async (claims: JWTPayload): Promise<BySession> => ({
    authorization: `Bearer ${await signAgain(tokenOf(session), claims)}`,
  });

  test('the same token, signed once more, is accepted', async () => {
    expect(await statusOf(await signed({}))).toBe(200);
  });

  test.each<[string, () => JWTPayload]>([
    ['an expiry in the past', () => ({ exp: Math.floor(Date.now() / 1_000) - 1 })],
    ['another audience', () => ({ aud: 'https://other.example' })],
    ['another issuer', () => ({ iss: 'other' })],
    ['an unknown session', () => ({ sid: randomUUID() })],
    ['the session of another account', () => ({ sub: other.id })],
  ])('with %s', async (_, claims) => {
    expect(await statusOf(await signed(claims()))).toBe(401);
  });

  test('with alg none, and HS256 signed with the public key', async () => {
    const [key] = (await call('GET', '/.well-known/jwks.json')).json(keySetSchema).keys;
    const [, claims = '', signature = ''] = tokenOf(session).split('.');
    const header = { ...decodeProtectedHeader(tokenOf(session)), alg: 'none' };
    const unsigned = `${base64url.encode(JSON.stringify(header))}.${claims}`;
    const symmetric = await new SignJWT(decodeJwt(tokenOf(session)))
      .setProtectedHeader({ ...header, alg: 'HS256' })
      .sign(base64url.decode(key?.x ?? ''));
    for (const token of [`${unsigned}.`, `${unsigned}.${signature}`, symmetric])
      expect(await statusOf({ authorization: `Bearer ${token}` })).toBe(401);
  });
});

test('a session that has expired in the catalogue is refused, with its sockets, whatever its token says', async () => {
  const socket = await LiveClient.open(session);
  const unused = await liveTicket(session);
  await sql(stack.postgres.catalogue, 'update sessions set expires_at = now() where id = $1', [
    idOf(session),
  ]);
  expect(await statusOf(session)).toBe(401);
  await expect(openSocket(unused)).rejects.toThrow();
  await sweep();
  await waitFor('the socket is closed', async () => !socket.isOpen || undefined, { seconds: 10 });
});

test('signing out ends the session, its links and its sockets, and no others', async () => {
  const kept = await signIn(account);
  const { id } = await createExport(monthOfOrders, account.byKey);
  await waitFor('the export is ready', async () => {
    const { bytes } = await call('GET', `/exports/${id}`, { headers: account.byKey });
    return bytes.includes('"status":"ready"') || undefined;
  });
  const ticket = async (headers: Record<string, string>): Promise<string> => {
    const answer = await call('POST', `/exports/${id}/download`, { headers });
    return String(JSON.parse(answer.bytes.toString()).url);
  };
  const [unused, used] = [await ticket(session), await ticket(session)];
  const range = { range: 'bytes=0-9' };
  const first = await call('GET', used, { headers: range });
  expect(first.status).toBe(206);
  const cookie = first.headers.get('set-cookie')?.split(';')[0] ?? '';
  const keptLink = await ticket(kept);
  const socket = await LiveClient.open(session);
  const keptSocket = await LiveClient.open(kept);
  const unusedLive = await liveTicket(session);

  const answer = await call('DELETE', '/sessions/current', { headers: session });
  expect(answer.status).toBe(204);
  expect(await statusOf(session)).toBe(401);
  for (const [url, headers] of [
    [unused, {}],
    [used, { ...range, cookie }],
  ] as const)
    expect((await call('GET', url, { headers })).problem()).toMatchObject({
      status: 403,
      code: 'forbidden',
    });
  await expect(openSocket(unusedLive)).rejects.toThrow();
  await sweep();
  await waitFor('the socket is closed', async () => !socket.isOpen || undefined, { seconds: 10 });

  expect(await statusOf(kept)).toBe(200);
  expect((await call('GET', keptLink, { headers: range })).status).toBe(206);
  expect(keptSocket.isOpen).toBe(true);
  keptSocket.close();
});

test('DELETE /sessions ends all sessions of the account, and no keys', async () => {
  const second = await signIn(account);
  const others = await signIn(other);
  expect((await call('DELETE', '/sessions', { headers: second })).status).toBe(204);
  expect([await statusOf(session), await statusOf(second)]).toEqual([401, 401]);
  expect([await statusOf(account.byKey), await statusOf(others)]).toEqual([200, 200]);
});

test('a key has no session to end', async () => {
  const answer = await call('DELETE', '/sessions/current', { headers: account.byKey });
  expect(answer.problem().status).toBe(404);
  expect(await statusOf(session)).toBe(200);
});

test('the sweep deletes sessions when their last tickets are deleted', async () => {
  const second = await signIn(account);
  await sql(
    stack.postgres.catalogue,
    `update sessions set expires_at = now() - case id when $1 then interval '32 days' else interval '30 days' end
     where id = any($2)`,
    [idOf(session), [idOf(session), idOf(second)]],
  );
  await sweep();
  const left = await sql(stack.postgres.catalogue, 'select id from sessions where id = any($1)', [
    [idOf(session), idOf(second)],
  ]);
  expect(left).toEqual([{ id: idOf(second) }]);
});

describe('PUT /me/password', () => {
  let own: OwnAccount;
  beforeEach(async () => {
    own = await newAccount();
  });
  const change = (
    headers: Record<string, string>,
    currentPassword: string,
    newPassword = `${own.password}!`,
  ) => call('PUT', '/me/password', { headers, body: { currentPassword, newPassword } });

  test('changes the password and ends the other sessions', async () => {
    const [mine, theirs] = [await signIn(own), await signIn(own)];
    expect((await change(mine, own.password)).status).toBe(204);
    expect([await statusOf(mine), await statusOf(theirs)]).toEqual([200, 401]);
    expect(await statusOf(own.byKey)).toBe(200);
    const body = { email: own.email, password: own.password };
    expect((await call('POST', '/sessions', { body })).status).toBe(401);
    await signIn({ email: own.email, password: `${own.password}!` });
  });

  test('rejects a password that is short or the same', async () => {
    for (const password of ['eleven chars'.slice(0, 11), own.password])
      expect((await change(own.byKey, own.password, password)).problem()).toMatchObject({
        status: 422,
        errors: [{ field: 'newPassword' }],
      });
  });

  test('limits wrong current passwords like failed sign-ins', async () => {
    const mine = await signIn(own);
    for (let n = 0; n < 10; n++)
      expect((await change(mine, 'wrong')).problem()).toMatchObject({
        status: 422,
        errors: [{ field: 'currentPassword' }],
      });
    expect((await change(mine, own.password)).status).toBe(429);
    const body = { email: own.email, password: own.password };
    expect((await call('POST', '/sessions', { body })).status).toBe(429);
    expect(await statusOf(mine)).toBe(200);
  });
});
