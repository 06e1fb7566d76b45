import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { changeAccount, createAccount } from '../../lib/access/manage-accounts.ts';
import {
  type AccountList,
  accountListSchema,
  accountSchema,
  createdAccountSchema,
  meSchema,
  revocationsSchema,
} from '../../lib/contracts/accounts.ts';
import { limitsSchema } from '../../lib/contracts/limits.ts';
import { catalogue, transaction } from '../../lib/runtime/catalogue.ts';
import { newAccount, newKey, type OwnAccount } from '../support/accounts.ts';
import { asAdmin, call, createExport, monthOfOrders } from '../support/api.ts';
import { liveTicket, openSocket } from '../support/live-client.ts';
import { OwnCatalogue } from '../support/own-catalogue.ts';
import { signIn, statusOf } from '../support/sessions.ts';
import { sql, stack } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

let account: OwnAccount;
beforeEach(async () => {
  account = await newAccount();
});

const pathOf = (email: string): string => `/admin/accounts/${encodeURIComponent(email)}`;
const change = (email: string, body: object) =>
  call('PATCH', pathOf(email), { headers: asAdmin, body });

describe('GET /me', () => {
  test('has the account of a session and of a key, with what they may do', async () => {
    const expected = {
      email: account.email,
      role: 'analyst',
      mayRequestByEvent: true,
      grants: [
        { source: 'iot', dataset: '*' },
        { source: 'sales', dataset: '*' },
      ],
      limits: { maxRows: null, maxBytes: null },
    };
    const me = async (headers: Record<string, string>) =>
      (await call('GET', '/me', { headers })).json(meSchema);
    expect(await me(await signIn(account))).toMatchObject(expected);
    const narrow = { 'x-api-key': await newKey(account.id, ['readings:read']) };
    expect(await me(narrow)).toMatchObject({ ...expected, scopes: ['readings:read'] });
  });

  test('counts the exports of today', async () => {
    const usage = async () =>
      (await call('GET', '/me', { headers: account.byKey })).json(meSchema).usage;
    const before = await usage();
    expect(before).toMatchObject({ runningExports: 0, rowsToday: 0, bytesToday: 0 });
    expect(new Date(before.resetsAt).toISOString()).toMatch(/T00:00:00\.000Z$/);
    const { id } = await createExport(monthOfOrders, account.byKey);
    const file = await waitFor('the export is ready', async () => {
      const { bytes } = await call('GET', `/exports/${id}`, { headers: account.byKey });
      const document = JSON.parse(bytes.toString());
      return document.status === 'ready' ? document.file : undefined;
    });
    expect(await usage()).toMatchObject({
      runningExports: 0,
      rowsToday: file.rows,
      bytesToday: file.bytes,
    });
  });
});

describe('/admin/accounts', () => {
  test.each([
    ['GET', '/admin/accounts'],
    ['POST', '/admin/accounts'],
    ['PATCH', '/admin/accounts/x'],
    ['POST', '/admin/accounts/x/revocations'],
  ])('%s %s is for administrators', async (method, path) => {
    expect((await call(method, path, { headers: account.byKey })).problem()).toMatchObject({
      status: 403,
      code: 'forbidden',
    });
    expect((await call(method, path)).status).toBe(401);
  });

  test('an account is created, with an initial password if none is given', async () => {
    const email = `Created-${randomUUID()}@tests.example`;
    const create = (body: object) => call('POST', '/admin/accounts', { headers: asAdmin, body });
    const { initialPassword = '', ...created } = (await create({ email, role: 'analyst' })).json(
      createdAccountSchema,
    );
    expect(created).toMatchObject({
      email,
      role: 'analyst',
      disabled: false,
      mayRequestByEvent: false,
      grants: [],
    });
    const session = await signIn({ email, password: initialPassword });
    expect(await statusOf(session)).toBe(200);
    const again = await create({ email: email.toLowerCase(), role: 'admin' });
    expect(again.problem()).toMatchObject({ status: 409, code: 'conflict' });

    const second = { email: `second-${email}`, role: 'analyst', mayRequestByEvent: true };
    const password = 'a password of its own';
    const answer = await create({ ...second, password });
    expect(answer.bytes.toString()).not.toMatch(/initialPassword|a password of its own/);
    expect(answer.json(accountSchema)).toMatchObject(second);
    await signIn({ ...second, password });
  });

  test.each<[string, object, string]>([
    ['no address', { email: 'unknown' }, 'email'],
    ['an unknown role', { role: 'owner' }, 'role'],
    ['a short password', { password: 'short' }, 'password'],
  ])('an account with %s is rejected', async (_, wrong, field) => {
    const body = { email: `${randomUUID()}@tests.example`, role: 'analyst', ...wrong };
    const answer = await call('POST', '/admin/accounts', { headers: asAdmin, body });
    expect(answer.problem()).toMatchObject({ status: 422, errors: [{ field }] });
  });

  test('accounts are listed in pages, by email', async () => {
    const [{ count } = { count: 0 }] = await sql<{ count: number }>(
      stack.postgres.catalogue,
      'select count(*)::int as count from accounts',
    );
    const limit = Math.ceil(count / 4);
    const emails: string[] = [];
    let cursor: string | null = '';
    for (let page = 1; cursor !== null && page <= 4; page++) {
      const path: string = `/admin/accounts?limit=${limit}${cursor && `&cursor=${cursor}`}`;
      const list: AccountList = (await call('GET', path, { headers: asAdmin })).json(
        accountListSchema,
      );
      emails.push(...list.items.map(({ email }) => email.toLowerCase()));
      cursor = list.nextCursor;
    }
    expect(cursor).toBeNull();
    expect(emails).toContain(account.email);
    expect(new Set(emails).size).toBe(emails.length);
    expect(emails.length).toBe(count);
    const first = await call('GET', '/admin/accounts?limit=1', { headers: asAdmin });
    expect(first.json(accountListSchema).items).toHaveLength(1);
  });

  test('role, limits and the right to request by event are changed', async () => {
    const limits = { maxRows: 7, maxBytes: null };
    const changed = (await change(account.email.toUpperCase(), { role: 'admin', limits })).json(
      accountSchema,
    );
    expect(changed).toMatchObject({
      email: account.email,
      role: 'admin',
      limits,
      mayRequestByEvent: true,
    });
    const path = `/accounts/${encodeURIComponent(account.email)}/limits`;
    expect((await call('GET', path, { headers: asAdmin })).json(limitsSchema)).toMatchObject(
      limits,
    );
    const session = await signIn(account);
    expect((await call('GET', '/admin/accounts', { headers: session })).status).toBe(200);
    const back = await change(account.email, { role: 'analyst', mayRequestByEvent: false });
    expect(back.json(accountSchema)).toMatchObject({ limits, mayRequestByEvent: false });
    expect((await call('GET', '/admin/accounts', { headers: session })).status).toBe(403);
  });

  test('a disabled account is refused from the next request on; its sessions do not come back', async () => {
    const session = await signIn(account);
    expect((await change(account.email, { disabled: true })).json(accountSchema).disabled).toBe(
      true,
    );
    expect([await statusOf(session), await statusOf(account.byKey)]).toEqual([401, 401]);
    await change(account.email, { disabled: false });
    expect([await statusOf(session), await statusOf(account.byKey)]).toEqual([401, 200]);
    await signIn(account);
  });

  test('an unknown account is 404, an unknown field 422', async () => {
    expect((await change('unknown@tests.example', { disabled: true })).status).toBe(404);
    const answer = await call('POST', `${pathOf('unknown@tests.example')}/revocations`, {
      headers: asAdmin,
    });
    expect(answer.status).toBe(404);
    expect((await change(account.email, { email: 'x@tests.example' })).status).toBe(422);
  });
});

test('a revocation ends sessions, keys and links, and says how many', async () => {
  const sessions = [await signIn(account), await signIn(account)];
  const [session = { authorization: '' }] = sessions;
  const { id } = await createExport(monthOfOrders, account.byKey);
  await waitFor('the export is ready', async () => {
    const { bytes } = await call('GET', `/exports/${id}`, { headers: account.byKey });
    return bytes.includes('"status":"ready"') || undefined;
  });
  const links: string[] = [];
  for (const headers of [session, account.byKey, account.byKey]) {
    const answer = await call('POST', `/exports/${id}/download`, { headers });
    links.push(String(JSON.parse(answer.bytes.toString()).url));
  }
  const [used = '', unused = '', late = ''] = links;
  const first = await call('GET', used, { headers: { range: 'bytes=0-9' } });
  const cookie = first.headers.get('set-cookie')?.split(';')[0] ?? '';
  await sql(
    stack.postgres.catalogue,
    'update tickets set first_use_before = now() where secret_hash = sha256($1)',
    [Buffer.from(late.split('/')[4] ?? '')],
  );
  const socket = await liveTicket(session);

  const revoke = async () =>
    (await call('POST', `${pathOf(account.email)}/revocations`, { headers: asAdmin })).json(
      revocationsSchema,
    );
  expect(await revoke()).toEqual({ sessions: 2, keys: 1, tickets: 3 });
  for (const headers of [...sessions, account.byKey]) expect(await statusOf(headers)).toBe(401);
  for (const [url, headers] of [
    [used, { cookie }],
    [unused, {}],
  ] as const)
    expect((await call('GET', url, { headers })).problem()).toMatchObject({
      status: 403,
      code: 'forbidden',
    });
  await expect(openSocket(socket)).rejects.toThrow();
  expect(await revoke()).toEqual({ sessions: 0, keys: 0, tickets: 0 });
  await signIn(account);
});

describe('the last administrator', () => {
  let own: OwnCatalogue;
  beforeAll(async () => {
    own = await OwnCatalogue.create({});
  });
  afterAll(() => own.drop());

  const emails = ['first@tests.example', 'second@tests.example'] as const;
  beforeEach(async () => {
    await own.clear();
    for (const email of emails)
      await createAccount(catalogue(), {
        email,
        role: 'admin',
        mayRequestByEvent: false,
        passwordHash: '',
      });
  });
  const set = (email: string, to: object) =>
    transaction((client) => changeAccount(client, email, to));

  test.each([{ disabled: true }, { role: 'analyst' as const }])(
    'is not removed by %j, even if two are removed at once',
    async (removal) => {
      const results = await Promise.allSettled(emails.map((email) => set(email, removal)));
      expect(results.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
      const [left] = await sql<{ email: string }>(
        own.url,
        `select email from accounts where role = 'admin' and disabled_at is null`,
      );
      await expect(set(left?.email ?? '', removal)).rejects.toMatchObject({ code: 'conflict' });
    },
  );

  test('may change in other ways, and others may change where no administrator is left', async () => {
    const [first, second] = emails;
    await set(first, { disabled: true });
    expect(await set(second, { mayRequestByEvent: true })).toMatchObject({ role: 'admin' });
    await sql(own.url, `update accounts set disabled_at = now()`);
    expect(await set(first, { role: 'analyst' })).toMatchObject({ role: 'analyst' });
  });
});
