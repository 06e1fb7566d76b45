import { describe, expect, test } from '@jest/globals';
import { exportListSchema } from '../../lib/contracts/export-document.ts';
import { sessionSchema } from '../../lib/contracts/sessions.ts';
import { sizes } from '../../lib/contracts/sizes.ts';
import { asAdmin, asDemo, call, monthOfOrders } from '../support/api.ts';
import { credentials } from '../support/stack.ts';

// An account for which no other suite creates exports, because this test asserts that no export is created.
describe('POST /exports with wrong requests', () => {
  test.each([
    ['a body that is not JSON', '{', 400, undefined],
    ['no body', '', 400, undefined],
    ['a body that is an array', [monthOfOrders], 400, undefined],
    ['an unknown field', { ...monthOfOrders, bogus: 1 }, 422, 'bogus'],
    ['an unknown source', { ...monthOfOrders, sources: ['nope'] }, 422, 'sources'],
    ['a source named __proto__', { ...monthOfOrders, sources: ['__proto__'] }, 422, 'sources'],
    ['an unknown dataset', { ...monthOfOrders, dataset: 'nope' }, 422, 'dataset'],
    ['a system catalog', { ...monthOfOrders, dataset: 'pg_catalog.pg_authid' }, 422, 'dataset'],
    ['an index', { ...monthOfOrders, sources: ['iot'], dataset: 'series_pkey' }, 422, 'dataset'],
    ['an unknown column', { ...monthOfOrders, columns: ['id', 'nope'] }, 422, 'columns'],
    [
      'SQL in a column',
      { ...monthOfOrders, columns: ['id"; drop table orders; --'] },
      422,
      'columns',
    ],
    [
      'from after to',
      { ...monthOfOrders, from: monthOfOrders.to, to: monthOfOrders.from },
      422,
      'from',
    ],
    ['a date that does not exist', { ...monthOfOrders, from: '2024-02-30T00:00:00Z' }, 422, 'from'],
    ['a date without a time', { ...monthOfOrders, to: '2024-04-01' }, 422, 'to'],
    ['an unknown format', { ...monthOfOrders, format: 'pdf' }, 422, 'format'],
    ['a time to live that is too long', { ...monthOfOrders, ttlSeconds: 1e9 }, 422, 'ttlSeconds'],
    [
      'a bound on a dataset without a time column',
      { ...monthOfOrders, sources: ['iot'], dataset: 'series' },
      422,
      'from',
    ],
  ])('POST /exports rejects %s and creates no export', async (_name, body, status, field) => {
    const before = await call('GET', '/exports?limit=1', { headers: asAdmin });
    const answer = await call('POST', '/exports', { body, headers: asAdmin });
    const problem = answer.problem();
    expect(answer.status).toBe(status);
    expect(problem.status).toBe(status);
    expect(problem.requestId).not.toBe('');
    expect(problem.errors?.[0]?.field).toBe(field);
    const after = await call('GET', '/exports?limit=1', { headers: asAdmin });
    const newest = (answer_: typeof before) => answer_.json(exportListSchema).items[0]?.id;
    expect(newest(after)).toBe(newest(before));
  });
});

const condition = { column: 'status', op: 'eq', value: 'x' };
const nested = (levels: number, [open, close]: [string, string]): string =>
  open.repeat(levels) + '1' + close.repeat(levels);

// First the requests that once stopped the API, or that it answered with 500 or with more bytes than it received.
describe('POST /exports/estimate with edge cases', () => {
  const long = 'x'.repeat(sizes.stringBytes + 1);
  test.each<[string, unknown, number, string | undefined]>([
    [
      '40,000 digits and a letter',
      { where: [{ ...condition, column: 'id', value: `${'1'.repeat(40_000)}x` }] },
      422,
      'where.0.value',
    ],
    [
      '201 digits',
      { where: [{ ...condition, column: 'id', value: '1'.repeat(201) }] },
      422,
      'where.0.value',
    ],
    [
      'a fraction of 40,000 zeros',
      { from: `2024-03-01T00:00:00.${'0'.repeat(40_000)}1Z` },
      422,
      'from',
    ],
    ['a fraction of 21 digits', { from: `2024-03-01T00:00:00.${'0'.repeat(21)}Z` }, 422, 'from'],
    [
      'a format that cannot be written as text',
      { format: { toString: 1, valueOf: 1 } },
      422,
      'format',
    ],
    ['5,000 arrays nested in each other', nested(5_000, ['[', ']']), 413, undefined],
    ['5,000 objects nested in each other', nested(5_000, ['{"a":', '}']), 413, undefined],
    ['17 levels in a field', `{"sources":${nested(16, ['[', ']'])}}`, 413, undefined],
    [
      'a body of 320 kB',
      { where: Array.from({ length: 40 }, () => ({ ...condition, value: 'x'.repeat(8_000) })) },
      413,
      undefined,
    ],
    [
      '5,000 fields',
      Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => [`k${n}`, 1])),
      413,
      undefined,
    ],
    ['a value that is too long', { where: [{ ...condition, value: long }] }, 422, 'where.0.value'],
    [
      'too many bytes in fewer characters',
      { where: [{ ...condition, value: 'é'.repeat(4_097) }] },
      422,
      'where.0.value',
    ],
    ['a name that is too long', { dataset: 'x'.repeat(257) }, 422, 'dataset'],
    [
      'too many values',
      { where: [{ ...condition, op: 'in', value: Array(1_001).fill('x') }] },
      422,
      'where.0.value',
    ],
    [
      'too many columns',
      { columns: Array.from({ length: 1_601 }, (_, n) => `c${n}`) },
      422,
      'columns',
    ],
    [
      'a pattern that ends in an escape',
      { where: [{ ...condition, op: 'like', value: 'a\\' }] },
      422,
      'where.0.value',
    ],
    ['a NUL', { dataset: 'a\0b' }, 400, undefined],
    ['half a surrogate pair', `{"dataset":"\\ud800"}`, 400, undefined],
  ])('the API rejects %s with a short problem', async (_name, change, status, field) => {
    const body = typeof change === 'string' ? change : { ...monthOfOrders, ...Object(change) };
    const answer = await call('POST', '/exports/estimate', { body, headers: asAdmin });
    const problem = answer.problem();
    expect([problem.status, problem.errors?.[0]?.field]).toEqual([status, field]);
    if (status === 413) expect(problem.code).toBe('too_large');
    expect(answer.bytes.length).toBeLessThan(4_000);
  });

  test('the API names 20 of 1,000 unknown fields', async () => {
    const unknown = Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`k${n}`, 1]));
    const body = { ...monthOfOrders, ...unknown };
    const answer = await call('POST', '/exports/estimate', { body, headers: asAdmin });
    const { status, errors, detail } = answer.problem();
    expect([status, errors?.length]).toEqual([422, sizes.errors]);
    expect(detail).toContain('and 980 more');
    expect(answer.bytes.length).toBeLessThan(8_000);
  });

  test('the API accepts a request of the maximum size', async () => {
    const value = Array.from({ length: sizes.listValues }, (_, n) => `${n}`.padStart(200, 'x'));
    const body = { ...monthOfOrders, where: [{ ...condition, op: 'in', value }] };
    const answer = await call('POST', '/exports/estimate', { body, headers: asAdmin });
    expect(answer.status).toBe(200);
  });
});

describe('requests without the right', () => {
  test.each([
    ['POST', '/sources/sales/pause', { reason: 'x' }],
    ['POST', '/sources/sales/pause', { reason: 1, more: 2 }],
    ['POST', '/sources/sales/pause', '{'],
    ['PUT', '/accounts/unknown@streamsync.example/limits', { maxRows: 1, maxBytes: 1 }],
    ['PUT', '/accounts/unknown@streamsync.example/limits', { maxRows: 'x' }],
    ['PUT', '/accounts/unknown@streamsync.example/limits', '{'],
  ])('%s %s of an analyst is forbidden, whatever its body: %j', async (method, path, body) => {
    const { status, code } = (await call(method, path, { body, headers: asDemo })).problem();
    expect([status, code]).toEqual([403, 'forbidden']);
  });

  test("acknowledge of another account's export is not found, whatever its body", async () => {
    const path = '/exports/00000000-0000-7000-8000-000000000000/acknowledge';
    for (const body of [{ sha256: '0'.repeat(64) }, { sha256: 1 }])
      expect((await call('POST', path, { body, headers: asDemo })).problem().status).toBe(404);
  });
});

describe('impossible values in paths', () => {
  test.each([
    ['GET', '/exports/abc'],
    ['DELETE', '/exports/abc'],
    ['POST', '/exports/abc/retry'],
    ['GET', '/exports/abc/manifest'],
    ['POST', '/exports/abc/download'],
    ['GET', '/exports/abc/file'],
    ['POST', '/exports/abc/acknowledge'],
    ['DELETE', `/exports/${'0'.repeat(4_000)}`],
    ['GET', `/accounts/${'a'.repeat(4_000)}@x/limits`],
    ['DELETE', `/sources/${'a'.repeat(4_000)}/pause`],
    ['GET', `/sources/sales/datasets/${'a'.repeat(4_000)}/histogram`],
  ])('%s %s is not found', async (method, path) => {
    const answer = await call(method, path, {
      headers: asAdmin,
      body: method === 'POST' ? {} : undefined,
    });
    expect(answer.problem()).toMatchObject({ status: 404, code: 'not_found' });
    expect(answer.bytes.length).toBeLessThan(1_000);
  });
});

test('a sign-in has a maximum size of its own', async () => {
  const of = (bytes: number): string => {
    const room = bytes - JSON.stringify({ email: '', password: 'x' }).length;
    return JSON.stringify({ email: 'a'.repeat(room), password: 'x' });
  };
  const codeOf = async (bytes: number) =>
    (await call('POST', '/sessions', { body: of(bytes) })).problem().code;
  expect(await codeOf(sizes.signInBytes)).toBe('invalid_request');
  expect(await codeOf(sizes.signInBytes + 1)).toBe('too_large');
});

test('a request with a header above the maximum size is rejected', async () => {
  const headers = { ...asAdmin, 'if-none-match': 'x'.repeat(sizes.headerBytes + 1) };
  const path = '/exports/00000000-0000-7000-8000-000000000000';
  expect((await call('GET', path, { headers })).problem().code).toBe('too_large');
});

test('an idempotency key above the maximum size is rejected', async () => {
  const headers = { ...asAdmin, 'idempotency-key': 'x'.repeat(256) };
  const { status, errors } = (
    await call('POST', '/exports', { body: monthOfOrders, headers })
  ).problem();
  expect([status, errors?.[0]?.field]).toEqual([422, 'Idempotency-Key']);
});

describe('GET /exports with unknown values', () => {
  test.each([
    ['limit=0', 'limit'],
    ['limit=x', 'limit'],
    ['status=done', 'status'],
    ['downloaded=maybe', 'downloaded'],
    ['cursor=abc', 'cursor'],
    ['bogus=1', 'bogus'],
    ['cursor=%00', 'cursor'],
    [`cursor=${'a'.repeat(4_000)}`, 'cursor'],
  ])('GET /exports?%s is rejected', async (query, field) => {
    const { status, errors } = (
      await call('GET', `/exports?${query}`, { headers: asAdmin })
    ).problem();
    expect([status, errors?.[0]?.field]).toEqual([422, field]);
  });
});

describe('authentication', () => {
  const { email, password } = credentials.demo;

  test('an account signs in with email and password, whatever the case of the email', async () => {
    for (const spelled of [email, email.toUpperCase()]) {
      const answer = await call('POST', '/sessions', { body: { email: spelled, password } });
      expect(answer.status).toBe(201);
      const { token } = answer.json(sessionSchema);
      const list = await call('GET', '/exports', { headers: { authorization: `Bearer ${token}` } });
      expect(list.status).toBe(200);
    }
  });

  test.each([
    ['a wrong password', { email, password: 'wrong' }],
    ['an unknown email', { email: 'unknown@streamsync.example', password }],
  ])(
    'a sign-in with %s is rejected without saying which of the two is wrong',
    async (_name, body) => {
      const problem = (await call('POST', '/sessions', { body })).problem();
      expect(problem).toMatchObject({
        status: 401,
        code: 'invalid_credentials',
        detail: 'Incorrect email or password. Try again.',
      });
    },
  );

  test('a sign-in with a password of the wrong type names the field', async () => {
    const problem = (await call('POST', '/sessions', { body: { email, password: 7 } })).problem();
    expect(problem).toMatchObject({ status: 422, errors: [{ field: 'password' }] });
  });

  const noCredentials = 'Sign in, or send a key in X-Api-Key.';
  const unknownKey = 'The API key is unknown or was revoked.';
  const noSession = 'The session has ended. Sign in again.';

  test.each<[string, Record<string, string>, string]>([
    ['no credentials', {}, noCredentials],
    ['an unknown key', { 'x-api-key': 'ssk_unknown' }, unknownKey],
    ['a key of 7 kB', { 'x-api-key': 'x'.repeat(7_000) }, unknownKey],
    ['a token of 7 kB', { authorization: `Bearer ${'x'.repeat(7_000)}` }, noSession],
    ['a malformed token', { authorization: 'Bearer x.y.z' }, noSession],
    ['a token without signature', { authorization: `Bearer ${unsigned()}` }, noSession],
    ['another scheme', { authorization: 'Basic ZGVtbzpkZW1v' }, noCredentials],
  ])('a call with %s is unauthenticated and says what to do', async (_name, headers, detail) => {
    const answer = await call('GET', '/exports', { headers });
    expect(answer.problem()).toMatchObject({ status: 401, code: 'unauthenticated', detail });
  });

  function unsigned(): string {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    return `${part({ alg: 'none' })}.${part({ sub: 'x', iss: 'streamsync' })}.`;
  }
});

test.each([
  ['GET', '/nope'],
  ['PATCH', '/exports'],
  ['GET', '/exports/not-an-id'],
  ['GET', '/exports/00000000-0000-0000-0000-000000000000'],
])('%s %s answers a problem with status 404', async (method, path) => {
  const answer = await call(method, path, { headers: asAdmin });
  expect(answer.problem()).toMatchObject({ status: 404, code: 'not_found' });
});
