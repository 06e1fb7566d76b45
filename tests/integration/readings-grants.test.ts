import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { seriesListSchema } from '../../lib/contracts/readings.ts';
import { newAccount, type OwnAccount } from '../support/accounts.ts';
import { asAdmin, call } from '../support/api.ts';
import { LiveClient, ownSeries } from '../support/live-client.ts';
import { sourceUrl, sql } from '../support/stack.ts';

/** What grants of the dataset `readings` permit of series, charts and live sockets. */
const [a = '', b = ''] = ownSeries(2);
const at = '2026-03-01T00:00:00Z';
let own: OwnAccount;
const clients: LiveClient[] = [];

beforeAll(async () => {
  own = await newAccount();
  await sql(
    sourceUrl('iot'),
    `insert into series (series, unit) select name, 'bar' from unnest($1::text[]) name`,
    [[a, b]],
  );
  await sql(
    sourceUrl('iot'),
    `insert into readings (series, at, value) select name, $2, 1 from unnest($1::text[]) name`,
    [[a, b], at],
  );
});
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});
afterAll(async () => {
  for (const table of ['readings', 'series'])
    await sql(sourceUrl('iot'), `delete from ${table} where series = any($1)`, [[a, b]]);
});

const onlySeries = (...names: string[]) => ({
  where: [{ column: 'series', op: 'in', value: names }],
});
const grant = async (more: object | null): Promise<void> => {
  const answer = await call('PUT', `/admin/accounts/${own.email}/grants`, {
    headers: asAdmin,
    body: { grants: more === null ? [] : [{ source: 'iot', dataset: 'readings', ...more }] },
  });
  expect(answer.status).toBe(200);
};
const get = (path: string) => call('GET', path, { headers: own.byKey });
const readings = (series: string) => get(`/readings?series=${encodeURIComponent(series)}`);
const send = (series: string) =>
  call('POST', '/readings', { headers: own.byKey, body: { series, at, value: 1 } });
const names = async () =>
  (await get(`/series?search=${encodeURIComponent(a.slice(0, -1))}`))
    .json(seriesListSchema)
    .items.map(({ series }) => series);

async function open(): Promise<LiveClient> {
  const client = await LiveClient.open(own.byKey);
  clients.push(client);
  return client;
}
const isForbidden = (message: { type: string; code?: string }) =>
  message.type === 'error' && message.code === 'forbidden';

test('conditions on the series permit these series alone', async () => {
  await grant(onlySeries(a));
  expect(await names()).toEqual([a]);
  expect((await readings(a)).status).toBe(200);
  const [hidden, unknown] = [await readings(b), await readings('nothing')];
  expect([hidden.status, hidden.problem().code]).toEqual([404, 'not_found']);
  expect(hidden.problem().detail?.replace(b, '')).toBe(
    unknown.problem().detail?.replace('nothing', ''),
  );
  expect((await send(b)).problem().code).toBe('forbidden');
  const client = await open();
  client.send({ action: 'subscribe', series: [a, b] });
  await client.message(isForbidden);
  await client.subscribe([a]);
});

test('a subscription ends when its series is not permitted any more', async () => {
  await grant(onlySeries(a, b));
  const client = await open();
  await client.subscribe([a, b]);
  await grant(onlySeries(b));
  expect((await send(b)).status).toBe(202);
  await client.message(isForbidden);
  expect(client.readings).toEqual([]);
});

test.each([
  ['a masked value', { columns: { value: 'mask' } }],
  ['a condition on the value', { where: [{ column: 'value', op: 'gt', value: 0 }] }],
])('with %s series, charts and sockets are refused, not the export', async (_, more) => {
  await grant(more);
  for (const answer of [await get('/series'), await readings(a), await send(a)])
    expect(answer.problem()).toMatchObject({ status: 403, code: 'forbidden' });
  const client = await open();
  client.send({ action: 'subscribe', series: [a] });
  await client.message(isForbidden);
  const preview = await call('POST', '/exports/preview', {
    headers: own.byKey,
    body: {
      sources: ['iot'],
      dataset: 'readings',
      format: 'csv',
      where: [{ column: 'series', op: 'eq', value: a }],
    },
  });
  expect(preview.status).toBe(200);
});

test('without a grant of the readings there is nothing', async () => {
  await grant(null);
  expect(await names()).toEqual([]);
  expect((await readings(a)).status).toBe(404);
  expect((await send(a)).status).toBe(403);
});
