import { beforeAll, describe, expect, test } from '@jest/globals';
import { exportRejectedSchema } from '../../lib/contracts/events.ts';
import { sessionSchema } from '../../lib/contracts/sessions.ts';
import { newAccount, newKey, type OwnAccount } from '../support/accounts.ts';
import { asDemo, call, createExport, monthOfOrders } from '../support/api.ts';
import { consume, produce, requested, resultOf } from '../support/events.ts';
import { rawCall } from '../support/raw-call.ts';
import { credentials, sql, stack } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

let account: OwnAccount;
let id = '';

beforeAll(async () => {
  account = await newAccount();
  ({ id } = await createExport(monthOfOrders, account.byKey));
  await waitFor('the export is ready', async () => {
    const { bytes } = await call('GET', `/exports/${id}`, { headers: account.byKey });
    return bytes.includes('"status":"ready"') ? true : undefined;
  });
});

async function ticket(headers: Record<string, string>): Promise<string> {
  const answer = await call('POST', `/exports/${id}/download`, { headers });
  return String(JSON.parse(answer.bytes.toString()).url);
}

/** Returns a link after its first use, with the cookie of that use. */
async function usedTicket(headers: Record<string, string>) {
  const url = await ticket(headers);
  const first = await call('GET', url);
  expect(first.status).toBe(200);
  return { url, cookie: first.headers.get('set-cookie')?.split(';')[0] ?? '' };
}

const signIn = () =>
  call('POST', '/sessions', { body: { email: account.email, password: account.password } });

test('a revoked key is rejected, as are the links that were created with it', async () => {
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

describe('disabled accounts', () => {
  let byToken: Record<string, string>;
  let used: { url: string; cookie: string };
  let unused = '';

  beforeAll(async () => {
    const { token } = (await signIn()).json(sessionSchema);
    byToken = { authorization: `Bearer ${token}` };
    // Without a key, so that its revocation cannot be the reason.
    used = await usedTicket(byToken);
    unused = await ticket(byToken);
    for (const headers of [byToken, account.byKey])
      expect((await call('GET', '/exports', { headers })).status).toBe(200);
    await sql(stack.postgres.catalogue, 'update accounts set disabled_at = now() where id = $1', [
      account.id,
    ]);
  });

  test('a disabled account cannot sign in', async () => {
    expect((await signIn()).problem()).toMatchObject({ status: 401, code: 'invalid_credentials' });
  });

  test('the session and the key of a disabled account are unauthenticated', async () => {
    for (const headers of [byToken, account.byKey])
      expect((await call('GET', '/exports', { headers })).problem()).toMatchObject({
        status: 401,
        code: 'unauthenticated',
      });
  });

  test('the links of a disabled account return no file, used or not', async () => {
    for (const headers of [{ cookie: used.cookie }, byToken, {}])
      expect((await call('GET', used.url, { headers })).problem()).toMatchObject({
        status: 403,
        code: 'forbidden',
      });
    expect((await call('GET', unused)).problem()).toMatchObject({ status: 403, code: 'forbidden' });
  });

  test('a disabled account cannot request by event', async () => {
    const results = await consume('exports.results');
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

test('a link can be used first within a minute, by the clock of the catalogue', async () => {
  const created = await createExport(monthOfOrders);
  await waitFor('the export is ready', async () => {
    const { bytes } = await call('GET', `/exports/${created.id}`, { headers: asDemo });
    return bytes.includes('"status":"ready"') ? true : undefined;
  });
  const answer = await call('POST', `/exports/${created.id}/download`, { headers: asDemo });
  const [row] = await sql<{ seconds: number; until: Date }>(
    stack.postgres.catalogue,
    `select extract(epoch from first_use_before - created_at)::float as seconds, first_use_before as until
     from tickets where export_id = $1`,
    [created.id],
  );
  expect(row?.seconds).toBe(60);
  expect(JSON.parse(answer.bytes.toString()).expiresAt).toBe(row?.until.toISOString());
});

test('a call with two keys is rejected, whether they are right or wrong', async () => {
  const headers = { 'x-api-key': ['ssk_nobody', credentials.demo.apiKey] };
  const { status, text } = await rawCall({ method: 'GET', path: '/exports', headers });
  expect([status, JSON.parse(text).detail]).toEqual([
    401,
    'X-Api-Key has more than one value. Send one.',
  ]);
});
