import { describe, expect, test } from '@jest/globals';
import { exportListSchema } from '../../lib/contracts/export-document.ts';
import { sessionSchema } from '../../lib/contracts/sessions.ts';
import { asAdmin, call, monthOfOrders } from '../stack/api.ts';
import { credentials } from '../stack/stack.ts';

// By an account for which no other suite makes exports: nothing may be made here.
describe('POST /exports refuses', () => {
  test.each([
    ['a body that is not JSON', '{', 400, undefined],
    ['no body', '', 400, undefined],
    ['a body that is no object', [monthOfOrders], 400, undefined],
    ['an unknown field', { ...monthOfOrders, bogus: 1 }, 422, 'bogus'],
    ['an unknown source', { ...monthOfOrders, sources: ['nope'] }, 422, 'sources'],
    [
      'a source that is configured nowhere',
      { ...monthOfOrders, sources: ['__proto__'] },
      422,
      'sources',
    ],
    ['an unknown dataset', { ...monthOfOrders, dataset: 'nope' }, 422, 'dataset'],
    [
      'a dataset of the system',
      { ...monthOfOrders, dataset: 'pg_catalog.pg_authid' },
      422,
      'dataset',
    ],
    [
      'a partition',
      { ...monthOfOrders, sources: ['iot'], dataset: 'readings_2025_12' },
      422,
      'dataset',
    ],
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
    ['a format that is not there', { ...monthOfOrders, format: 'pdf' }, 422, 'format'],
    ['a time to live that is too long', { ...monthOfOrders, ttlSeconds: 1e9 }, 422, 'ttlSeconds'],
    [
      'a bound on what has no time',
      { ...monthOfOrders, sources: ['iot'], dataset: 'series' },
      422,
      'from',
    ],
  ])('%s', async (_name, body, status, field) => {
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

describe('GET /exports refuses', () => {
  test.each([
    ['limit=0', 'limit'],
    ['limit=x', 'limit'],
    ['status=done', 'status'],
    ['downloaded=maybe', 'downloaded'],
    ['cursor=abc', 'cursor'],
    ['bogus=1', 'bogus'],
  ])('%s', async (query, field) => {
    const { status, errors } = (
      await call('GET', `/exports?${query}`, { headers: asAdmin })
    ).problem();
    expect([status, errors?.[0]?.field]).toEqual([422, field]);
  });
});

describe('whoever calls', () => {
  const { email, password } = credentials.demo;

  test('signs in with email and password, whatever the case of the email', async () => {
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
    ['an unknown email', { email: 'nobody@streamsync.example', password }],
  ])('with %s is refused, not told which of the two is wrong', async (_name, body) => {
    const problem = (await call('POST', '/sessions', { body })).problem();
    expect(problem).toMatchObject({
      status: 401,
      code: 'wrong_credentials',
      detail: 'Email or password is not right. Try again.',
    });
  });

  test('a password of the wrong type is named', async () => {
    const problem = (await call('POST', '/sessions', { body: { email, password: 7 } })).problem();
    expect(problem).toMatchObject({ status: 422, errors: [{ field: 'password' }] });
  });

  test.each([
    ['nothing', {}],
    ['a key of nobody', { 'x-api-key': 'ssk_nobody' }],
    ['a token that is none', { authorization: 'Bearer x.y.z' }],
    ['a token without signature', { authorization: `Bearer ${unsigned()}` }],
    ['another scheme', { authorization: 'Basic ZGVtbzpkZW1v' }],
  ])('with %s is not known', async (_name, headers) => {
    const answer = await call('GET', '/exports', { headers });
    expect(answer.problem()).toMatchObject({ status: 401, code: 'unauthenticated' });
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
])('%s %s is 404 as a problem', async (method, path) => {
  const answer = await call(method, path, { headers: asAdmin });
  expect(answer.problem()).toMatchObject({ status: 404, code: 'not_found' });
});
