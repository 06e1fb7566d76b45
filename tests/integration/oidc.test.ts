import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import Provider from 'oidc-provider';
import { z } from 'zod';
import { handler as finishHandler } from '../../handlers/http/finish-oidc.ts';
import { handler as startHandler } from '../../handlers/http/start-oidc.ts';
import { openHome } from '../../infra/local/home/home.ts';
import { applyStackEnvironment, findRunningStack } from '../../infra/local/home/running-stack.ts';
import { meSchema } from '../../lib/contracts/accounts.ts';
import { oidcStartSchema, signInMethodsSchema } from '../../lib/contracts/oidc.ts';
import { basePath } from '../../lib/contracts/route.ts';
import { sessionSchema } from '../../lib/contracts/sessions.ts';
import { catalogue } from '../../lib/runtime/catalogue.ts';
import { config } from '../../lib/runtime/config.ts';
import { newAccount, type OwnAccount } from '../support/accounts.ts';
import { call } from '../support/api.ts';
import { assertDocumentedResponse } from '../support/openapi-assertions.ts';
import { home, sql, stack } from '../support/stack.ts';

/*
 * The functions run in this process, with the catalogue and the keys of the stack, because the stack itself has no
 * provider. The sessions that they start are used on the stack.
 */

/** The people whom the provider knows, by their subject. */
const people = new Map<string, { email: string; email_verified: boolean }>();
let server: Server;
let account: OwnAccount;
let subject = '';

const clientSecret = 'the secret of the client';

beforeAll(async () => {
  // The provider reports that it is not set up for production.
  jest.spyOn(console, 'warn').mockImplementation(() => undefined);
  jest.spyOn(console, 'info').mockImplementation(() => undefined);
  server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  const issuer = `http://127.0.0.1:${address.port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: 'streamsync',
        client_secret: clientSecret,
        redirect_uris: [`${stack.url}/sign-in/callback`],
        grant_types: ['authorization_code'],
        response_types: ['code'],
      },
    ],
    pkce: { required: () => true },
    claims: { openid: ['sub'], email: ['email', 'email_verified'] },
    cookies: { keys: [randomUUID()] },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...people.get(id) }) }),
  });
  const respond = provider.callback();
  server.on('request', (request, response) => void respond(request, response));

  const opened = openHome({ STREAMSYNC_HOME: home() });
  const running = findRunningStack(opened);
  if (!running) throw new Error('the stack is not running');
  applyStackEnvironment(opened, running);
  process.env.STREAMSYNC_OIDC = JSON.stringify({ issuer, clientId: 'streamsync', clientSecret });
});
afterAll(async () => {
  jest.restoreAllMocks();
  server.closeAllConnections();
  server.close();
  await catalogue().end();
});
beforeEach(async () => {
  account = await newAccount();
  subject = randomUUID();
  people.set(subject, { email: account.email, email_verified: true });
});

const context: Context = {
  callbackWaitsForEmptyEventLoop: false,
  functionName: '',
  functionVersion: '',
  invokedFunctionArn: '',
  memoryLimitInMB: '',
  awsRequestId: '',
  logGroupName: '',
  logStreamName: '',
  getRemainingTimeInMillis: () => 30_000,
  done: () => {},
  fail: () => {},
  succeed: () => {},
};

async function post(handler: typeof startHandler, path: string, body?: object) {
  const event: APIGatewayProxyEventV2 = {
    version: '2.0',
    routeKey: `POST ${basePath}${path}`,
    rawPath: basePath + path,
    rawQueryString: '',
    headers: { 'user-agent': 'a browser', 'x-door-secret': config().doorSecret },
    isBase64Encoded: false,
    ...(body ? { body: JSON.stringify(body) } : {}),
    requestContext: {
      accountId: '',
      apiId: '',
      domainName: '',
      domainPrefix: '',
      http: { method: 'POST', path, protocol: 'HTTP/1.1', sourceIp: '127.0.0.1', userAgent: '' },
      requestId: randomUUID(),
      routeKey: '',
      stage: '',
      time: '',
      timeEpoch: 0,
    },
  };
  const { statusCode: status = 0, headers = {}, body: text = '' } = await handler(event, context);
  assertDocumentedResponse({
    method: 'POST',
    path: basePath + path,
    status,
    headers: new Headers(Object.entries(headers).map(([name, value]) => [name, String(value)])),
    text,
  });
  const answer: unknown = JSON.parse(text);
  return { status, body: answer };
}

const start = async () => oidcStartSchema.parse((await post(startHandler, '/sessions/oidc')).body);
const finish = (body: object) => post(finishHandler, '/sessions/oidc/callback', body);

/** Signs in at the provider like a browser. Returns the parameters with which it sends the browser back. */
async function signInAt(url: string, as: string): Promise<Record<string, string>> {
  const cookies = new Map<string, string>();
  let next = new URL(url);
  let form: URLSearchParams | undefined;
  for (let step = 0; step < 12; step++) {
    const response = await fetch(next, {
      redirect: 'manual',
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(form ? { method: 'POST', body: form } : {}),
    });
    form = undefined;
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      cookies.set(name, value);
    }
    const location = response.headers.get('location');
    if (location === null) {
      const [, prompt = ''] = /name="prompt" value="(\w+)"/.exec(await response.text()) ?? [];
      form = new URLSearchParams({ prompt, login: as, password: 'any' });
      continue;
    }
    next = new URL(location, next);
    if (next.href.startsWith(`${stack.url}/sign-in/callback`))
      return Object.fromEntries(next.searchParams);
  }
  throw new Error('the provider did not send the browser back');
}

async function signIn(as = subject) {
  const { url, secret } = await start();
  return finish({ ...(await signInAt(url, as)), secret });
}

/** Returns the email of the account of a session, which the stack accepts. */
async function emailOf(session: unknown): Promise<string> {
  const { token } = sessionSchema.parse(session);
  const answer = await call('GET', '/me', { headers: { authorization: `Bearer ${token}` } });
  return answer.json(meSchema).email;
}

const forbidden = { status: 403, body: { code: 'forbidden' } };
const notCompleted = { status: 401, body: { code: 'unauthenticated' } };

test('a stack without a provider says so', async () => {
  const methods = await call('GET', '/sign-in-methods');
  expect(methods.json(signInMethodsSchema)).toEqual({ password: true, oidc: null });
  expect((await call('POST', '/sessions/oidc')).status).toBe(404);
});

test('a person signs in to the account with their verified email', async () => {
  const { url } = await start();
  expect(Object.fromEntries(new URL(url).searchParams)).toMatchObject({
    response_type: 'code',
    code_challenge_method: 'S256',
    redirect_uri: `${stack.url}/sign-in/callback`,
  });
  const { status, body } = await signIn();
  expect(status).toBe(201);
  expect(await emailOf(body)).toBe(account.email);
  const entries = await sql(
    stack.postgres.catalogue,
    `select actor, action, outcome from audit.entries where actor_id = $1`,
    [account.id],
  );
  expect(entries).toEqual([{ actor: account.email, action: 'session.create', outcome: 'done' }]);
});

test('the identity stays linked, whatever happens to the email', async () => {
  await signIn();
  // The person gets another email, and another person theirs.
  people.set(subject, { email: `${randomUUID()}@tests.example`, email_verified: true });
  const successor = randomUUID();
  people.set(successor, { email: account.email, email_verified: true });
  expect(await emailOf((await signIn()).body)).toBe(account.email);
  expect(await signIn(successor)).toMatchObject(forbidden);
});

test('an email that is not verified, an unknown one, and a disabled account are refused', async () => {
  people.set(subject, { email: account.email, email_verified: false });
  expect(await signIn()).toMatchObject(forbidden);
  people.set(subject, { email: `${randomUUID()}@tests.example`, email_verified: true });
  expect(await signIn()).toMatchObject(forbidden);
  people.set(subject, { email: account.email, email_verified: true });
  await sql(stack.postgres.catalogue, 'update accounts set disabled_at = now() where id = $1', [
    account.id,
  ]);
  expect(await signIn()).toMatchObject(forbidden);
});

test('a person without an account gets one if the deployment creates them', async () => {
  const email = `New-${randomUUID()}@tests.example`;
  people.set(subject, { email, email_verified: true });
  const settings = config().oidc;
  if (!settings) throw new Error('no provider');
  settings.createAccounts = true;
  try {
    expect(await emailOf((await signIn()).body)).toBe(email);
    people.set(subject, { email: `x-${email}`, email_verified: false });
    expect(await emailOf((await signIn()).body)).toBe(email);
  } finally {
    settings.createAccounts = false;
  }
  const created = await sql(
    stack.postgres.catalogue,
    `select a.role, e.action from accounts a join audit.entries e on e.target = a.email
     where a.email = $1 order by e.id`,
    [email],
  );
  expect(created).toEqual([
    { role: 'analyst', action: 'account.create' },
    { role: 'analyst', action: 'session.create' },
    { role: 'analyst', action: 'session.create' },
  ]);
});

describe('a sign-in is completed once, by the browser that started it', () => {
  test('not by another one', async () => {
    const [mine, theirs] = [await start(), await start()];
    const parameters = await signInAt(mine.url, subject);
    expect(await finish({ ...parameters, secret: theirs.secret })).toMatchObject(notCompleted);
    const { state } = await signInAt(theirs.url, subject);
    const mixed = { ...parameters, state, secret: theirs.secret };
    // The state fits, but the code was given for another verifier.
    expect(await finish(mixed)).toMatchObject(notCompleted);
  });

  test('not twice, and not with a code that was made up', async () => {
    const { url, secret } = await start();
    const parameters = await signInAt(url, subject);
    const wrong = { ...parameters, code: 'x'.repeat(43) };
    expect(await finish({ ...wrong, secret })).toMatchObject(notCompleted);
    expect((await finish({ ...parameters, secret })).status).toBe(201);
    expect(await finish({ ...parameters, secret })).toMatchObject(notCompleted);
  });

  test('a body that is not of the callback is rejected', async () => {
    const answer = await finish({ code: 'x', state: 'y', secret: 'short' });
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ field: 'secret' }] } });
  });
});

test('a provider that does not answer is 503', async () => {
  const { url, secret } = await start();
  const parameters = await signInAt(url, subject);
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
  const problem = z.object({ code: z.literal('unavailable') });
  const { status, body } = await finish({ ...parameters, secret });
  expect([status, problem.parse(body)]).toEqual([503, { code: 'unavailable' }]);
});
