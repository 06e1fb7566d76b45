import { beforeAll, describe, expect, test } from '@jest/globals';
import { exportRejectedSchema } from '../../lib/contracts/events.ts';
import { sessionSchema } from '../../lib/contracts/sessions.ts';
import { newAccount, newKey, type OwnAccount } from '../stack/accounts.ts';
import { asDemo, call, createExport, monthOfOrders } from '../stack/api.ts';
import { follow, produce, requested, resultOf } from '../stack/events.ts';
import { rawCall } from '../stack/raw-call.ts';
import { credentials, sql, stack } from '../stack/stack.ts';
import { until } from '../stack/until.ts';

let account: OwnAccount;
let id = '';

beforeAll(async () => {
  account = await newAccount();
  ({ id } = await createExport(monthOfOrders, account.byKey));
  await until('the export is ready', async () => {
    const { bytes } = await call('GET', `/exports/${id}`, { headers: account.byKey });
    return bytes.includes('"status":"ready"') ? true : undefined;
  });
});

async function ticket(headers: Record<string, string>): Promise<string> {
  const answer = await call('POST', `/exports/${id}/download`, { headers });
  return String(JSON.parse(answer.bytes.toString()).url);
}

/** A link that was used once, and the cookie that its use gave. */
async function usedTicket(headers: Record<string, string>) {
  const url = await ticket(headers);
  const first = await call('GET', url);
  expect(first.status).toBe(200);
  return { url, cookie: first.headers.get('set-cookie')?.split(';')[0] ?? '' };
}

const signIn = () =>
  call('POST', '/sessions', { body: { email: account.email, password: account.password } });

test('a revoked key works no more, for calls and for the links that were made with it', async () => {
  const [revoked, kept] = [await newKey(account.id), await newKey(account.id)];
  const withRevoked = { 'x-api-key': revoked };
  const unused = await ticket(withRevoked);
  const used = await usedTicket(withRevoked);
  const other = await usedTicket({ 'x-api-key': kept });
  await sql(
    stack.postgres.catalogue,
    `update api_keys set revoked_at = now() where account_id = $1 and secret_hash = sha256($2)`,
    [account.id, Buffer.from(revoked)],
  );
  const answer = await call('GET', '/exports', { headers: withRevoked });
  expect(answer.problem()).toMatchObject({ status: 401, code: 'unauthenticated' });
  for (const [url, headers] of [
    [unused, {}],
    [used.url, { cookie: used.cookie }],
  ] as const)
    expect((await call('GET', url, { headers })).problem()).toMatchObject({
      status: 403,
      code: 'forbidden',
    });
  expect((await call('GET', '/exports', { headers: { 'x-api-key': kept } })).status).toBe(200);
  expect((await call('GET', other.url, { headers: { cookie: other.cookie } })).status).toBe(200);
});

describe('an account that is disabled', () => {
  let byToken: Record<string, string>;
  let used: { url: string; cookie: string };
  let unused = '';

  beforeAll(async () => {
    const { token } = (await signIn()).json(sessionSchema);
    byToken = { authorization: `Bearer ${token}` };
    // Without a key, or its revocation could be the reason.
    used = await usedTicket(byToken);
    unused = await ticket(byToken);
    for (const headers of [byToken, account.byKey])
      expect((await call('GET', '/exports', { headers })).status).toBe(200);
    await sql(stack.postgres.catalogue, 'update accounts set disabled_at = now() where id = $1', [
      account.id,
    ]);
  });

  test('cannot sign in', async () => {
    expect((await signIn()).problem()).toMatchObject({ status: 401, code: 'wrong_credentials' });
  });

  test('is not known by its session, nor by its key', async () => {
    for (const headers of [byToken, account.byKey])
      expect((await call('GET', '/exports', { headers })).problem()).toMatchObject({
        status: 401,
        code: 'unauthenticated',
      });
  });

  test('gets no file by the links it has, used or not', async () => {
    for (const headers of [{ cookie: used.cookie }, byToken, {}])
      expect((await call('GET', used.url, { headers })).problem()).toMatchObject({
        status: 403,
        code: 'forbidden',
      });
    expect((await call('GET', unused)).problem()).toMatchObject({ status: 403, code: 'forbidden' });
  });

  test('cannot ask by event', async () => {
    const results = await follow('exports.results');
    try {
      const event = requested({ ...monthOfOrders, requestedBy: account.email });
      await produce('exports.requested', [{ value: JSON.stringify(event) }]);
      const { data } = exportRejectedSchema.parse(await resultOf(results, event.id, 'rejected'));
      expect(data.problem).toMatchObject({ status: 422, errors: [{ field: 'requestedBy' }] });
    } finally {
      await results.close();
    }
  });
});

test('a link may be used first for a minute, by the clock of the catalogue', async () => {
  const made = await createExport(monthOfOrders);
  await until('the export is ready', async () => {
    const { bytes } = await call('GET', `/exports/${made.id}`, { headers: asDemo });
    return bytes.includes('"status":"ready"') ? true : undefined;
  });
  const answer = await call('POST', `/exports/${made.id}/download`, { headers: asDemo });
  const [row] = await sql<{ seconds: number; until: Date }>(
    stack.postgres.catalogue,
    `select extract(epoch from first_use_before - created_at)::float as seconds, first_use_before as until
     from tickets where export_id = $1`,
    [made.id],
  );
  expect(row?.seconds).toBe(60);
  expect(JSON.parse(answer.bytes.toString()).expiresAt).toBe(row?.until.toISOString());
});

test('two keys in one call are refused, right or wrong', async () => {
  const headers = { 'x-api-key': ['ssk_nobody', credentials.demo.apiKey] };
  const { status, text } = await rawCall({ method: 'GET', path: '/exports', headers });
  expect([status, JSON.parse(text).detail]).toEqual([
    401,
    'There is more than one value in X-Api-Key. Send one.',
  ]);
});
