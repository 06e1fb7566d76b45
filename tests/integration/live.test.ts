import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { openHome } from '../../infra/local/home/home.ts';
import { applyStackEnvironment, findRunningStack } from '../../infra/local/home/running-stack.ts';
import { type LiveMessage, liveLimits } from '../../lib/contracts/live.ts';
import { decodeCursor, encodeCursor, type Position } from '../../lib/live/cursor.ts';
import { newAccount, type OwnAccount } from '../support/accounts.ts';
import { asDemo, call, createExport, ended, monthOfOrders } from '../support/api.ts';
import { produce } from '../support/events.ts';
import { LiveClient, liveTicket, openSocket, ownSeries } from '../support/live-client.ts';
import { home, sql, stack } from '../support/stack.ts';
import { freeze } from '../support/stack-processes.ts';
import { sweep } from '../support/sweep.ts';
import { waitFor } from '../support/wait-for.ts';

/** Its sockets do not count for those of other suites. */
let account: OwnAccount;
const clients: LiveClient[] = [];

beforeAll(async () => {
  const opened = openHome({ STREAMSYNC_HOME: home() });
  const running = findRunningStack(opened);
  if (!running) throw new Error('the stack is not running');
  // For cursors of this deployment.
  applyStackEnvironment(opened, running);
  account = await newAccount();
});
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});

async function open(headers: Record<string, string> = account.byKey): Promise<LiveClient> {
  const client = await LiveClient.open(headers);
  clients.push(client);
  return client;
}

const start = Date.parse('2026-03-01T00:00:00Z');

/** Sends readings with the values 1 to `count` of each series, in this order. */
const send = (series: readonly string[], count: number, from = 1): Promise<void> =>
  produce(
    'readings',
    Array.from({ length: count }, (_, n) => n + from).flatMap((value) =>
      series.map((name) => ({
        key: name,
        value: JSON.stringify({ series: name, at: start + value * 1_000, value }),
      })),
    ),
  );

const valuesOf = ({ readings }: LiveClient, series: string): number[] =>
  readings.filter(([name]) => name === series).map(([, , value]) => value);
const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n + 1);

type Readings = Extract<LiveMessage, { type: 'readings' }>;
const readingsOf = ({ messages }: LiveClient): Readings[] =>
  messages.filter((message) => message.type === 'readings');

const errorOf = async (client: LiveClient, request: string | Record<string, unknown>) => {
  const before = client.messages.length;
  client.send(request);
  return client.message(({ type }) => type === 'error', before);
};

describe('a live socket', () => {
  test('gets the readings of its series while they arrive, in one chain of cursors', async () => {
    const [a = '', b = '', other = ''] = ownSeries(3);
    const client = await open();
    await client.subscribe([a, b]);
    await send([a, b, other], 20);
    await client.has(40);
    await send([a], 5, 21);
    await client.has(45);
    expect(valuesOf(client, a)).toEqual(upTo(25));
    expect(valuesOf(client, b)).toEqual(upTo(20));
    expect(valuesOf(client, other)).toEqual([]);
    expect(client.readings[0]).toEqual([expect.any(String), '2026-03-01T00:00:01Z', 1]);
    const chain = readingsOf(client);
    expect(chain.slice(1).map(({ prev }) => prev)).toEqual(
      chain.slice(0, -1).map(({ next }) => next),
    );
    expect(client.gaps).toBe(0);
  });

  test('gets no more readings of a series from which it unsubscribed', async () => {
    const [a = '', b = ''] = ownSeries(2);
    const client = await open();
    await client.subscribe([a, b]);
    client.send({ action: 'unsubscribe', series: [a] });
    client.send({ action: 'ping' });
    await client.message(({ type }) => type === 'pong');
    await waitFor('the subscription ends', async () => {
      const [row] = await sql<{ count: number }>(
        stack.postgres.catalogue,
        'select count(*)::int as count from live_subscriptions where series = $1',
        [[b]],
      );
      return row?.count === 1 || undefined;
    });
    await send([a, b], 3);
    await client.has(3, b);
    expect(valuesOf(client, a)).toEqual([]);
  });

  test('gets times with the digits that they need, and values as they are stored', async () => {
    const [a = ''] = ownSeries(1);
    const client = await open();
    await client.subscribe([a]);
    const readings = [
      { series: a, at: 1_772_323_200, value: 1e21, unit: 'bar' },
      { series: a, at: '1772323201123456', value: -0.1 },
      { series: a, at: '2026-03-01T01:00:02.500+01:00', value: 100_000, unit: 'Pa' },
    ];
    for (const reading of readings)
      await produce('readings', [{ key: a, value: JSON.stringify(reading) }]);
    expect((await client.has(3, a)).map(([, at, value]) => [at, value])).toEqual([
      ['2026-03-01T00:00:00Z', 1e21],
      ['2026-03-01T00:00:01.123456Z', -0.1],
      ['2026-03-01T00:00:02.5Z', 1],
    ]);
  });

  test('gets a record of many readings in messages of at most 32 KB', async () => {
    const [a = ''] = ownSeries(1);
    const client = await open();
    await client.subscribe([a]);
    const values = upTo(4_000);
    await produce('readings', [
      {
        key: a,
        value: JSON.stringify(values.map((value) => ({ series: a, at: start + value, value }))),
      },
    ]);
    await client.has(4_000, a);
    expect(valuesOf(client, a)).toEqual(values);
    const sizes = client.messages.map((message) => JSON.stringify(message).length);
    expect(sizes.length).toBeGreaterThan(3);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(liveLimits.messageBytes);
    expect(client.gaps).toBe(0);
  });

  test('gets nothing of a record that goes to the dead letters', async () => {
    const [a = ''] = ownSeries(1);
    const client = await open();
    await client.subscribe([a]);
    await produce('readings', [
      { key: a, value: '{"series"' },
      { key: a, value: JSON.stringify({ series: a, at: start, value: 'high' }) },
      { key: a, value: null },
    ]);
    await send([a], 1);
    await client.has(1, a);
    expect(valuesOf(client, a)).toEqual([1]);
  });
});

describe('a subscription from a cursor', () => {
  test('brings each reading after it once, those of then and those of now', async () => {
    const series = ownSeries(4);
    const first = await open();
    await first.subscribe(series);
    await send(series, 10);
    await first.has(40);
    const { cursor } = first;
    first.close();
    await send(series, 30, 11);

    const second = await open();
    const sending = send(series, 30, 41);
    await second.subscribe(series, cursor);
    await sending;
    await second.has(240);
    for (const name of series) expect(valuesOf(second, name)).toEqual(upTo(70).slice(10));
    expect(readingsOf(second)[0]?.prev).toBe(cursor);
    expect([second.gaps, second.resyncs]).toEqual([0, []]);
  });

  test('brings what is only in the store, not in the batches that are kept for a minute', async () => {
    const [a = ''] = ownSeries(1);
    const first = await open();
    await first.subscribe([a]);
    const { cursor } = first;
    await send([a], 20);
    await first.has(20);
    await waitFor('the readings are stored', async () => {
      const [row] = await sql<{ count: number }>(
        stack.postgres.sources.iot ?? '',
        'select count(*)::int as count from readings where series = $1',
        [a],
      );
      return row?.count === 20 || undefined;
    });
    await sql(
      stack.postgres.catalogue,
      `update live_batches set stored_at = now() - interval '2 minutes'`,
    );
    await sweep();
    const second = await open();
    await second.subscribe([a], cursor);
    await second.has(20);
    await send([a], 5, 21);
    await second.has(25);
    expect(valuesOf(second, a)).toEqual(upTo(25));
    expect(second.resyncs).toEqual([]);
  });

  test('ends with resync-required if ingest has not stored what is no longer among the batches', async () => {
    const [series = ''] = ownSeries(1);
    const first = await open();
    await first.subscribe([series]);
    await send([series], 1);
    await first.has(1);
    const cursor = first.cursor;
    const release = await freeze(/^ingest-readings-/);
    try {
      await send([series], 1, 2);
      await first.has(2);
      await sql(stack.postgres.catalogue, 'delete from live_batches');
      const second = await open();
      await second.subscribe([series], cursor);
      expect(second.messages[0]).toMatchObject({
        type: 'resync-required',
        reason: 'ingest_delayed',
      });
    } finally {
      release();
    }
    // The first client had all of it, and goes on where it was.
    await send([series], 1, 3);
    await first.has(3);
    expect(valuesOf(first, series)).toEqual(upTo(3));
  });

  test('on a live connection leaves its chain where it is', async () => {
    const [a = '', b = ''] = ownSeries(2);
    const client = await open();
    await client.subscribe([a]);
    const early = client.cursor;
    await send([a, b], 10);
    await client.has(10, a);
    await client.subscribe([b], early);
    await client.has(10, b);
    await send([a, b], 10, 11);
    await client.has(40);
    for (const name of [a, b]) expect(valuesOf(client, name)).toEqual(upTo(20));
    expect(client.gaps).toBe(0);
  });

  test('to all series of a connection starts its chain again', async () => {
    const [a = '', b = ''] = ownSeries(2);
    const client = await open();
    await client.subscribe([a, b]);
    const early = client.cursor ?? '';
    await send([a, b], 10);
    await client.has(20);
    const before = client.messages.length;
    client.send({ action: 'subscribe', series: [a, b], from: early });
    const again = await client.message(({ type }) => type === 'readings', before);
    expect(again).toMatchObject({ prev: early });
  });

  test.each<[string, (cursor: string) => string, string]>([
    ['a cursor that is not ours', (cursor) => `${cursor.slice(0, -3)}xxx`, 'invalid_cursor'],
    ['other text', () => 'yesterday', 'invalid_cursor'],
    ['a cursor of a topic that was created again', earlierEpoch, 'topic_recreated'],
  ])('is answered by resync-required for %s, then goes on', async (_, change, reason) => {
    const [a = ''] = ownSeries(1);
    const first = await open();
    await first.subscribe([a]);
    await send([a], 2);
    await first.has(2);
    const client = await open();
    await client.subscribe([a], change(first.cursor ?? ''));
    expect(client.resyncs).toEqual([reason]);
    await send([a], 3, 3);
    await client.has(3);
    expect(valuesOf(client, a)).toEqual([3, 4, 5]);
    expect(client.gaps).toBe(0);
  });
});

function earlierEpoch(cursor: string): string {
  const position: Position = new Map(
    [...decodeCursor(cursor)].map(([topic, { epoch, nextOffsets }]) => [
      topic,
      { epoch: epoch - 1, nextOffsets },
    ]),
  );
  return encodeCursor(position);
}

describe('messages that are wrong', () => {
  const [a = ''] = ownSeries(1);

  test.each<[string, string | Record<string, unknown>, string]>([
    ['no JSON', 'subscribe', 'malformed_body'],
    ['JSON that is no object', '["subscribe"]', 'malformed_body'],
    ['null', 'null', 'malformed_body'],
    ['an unknown action', { action: 'publish' }, 'invalid_request'],
    ['an unknown field', { action: 'ping', id: 1 }, 'invalid_request'],
    ['no series', { action: 'subscribe', series: [] }, 'invalid_request'],
    ['a series that is no text', { action: 'subscribe', series: [1] }, 'invalid_request'],
    [
      'too many series',
      { action: 'subscribe', series: ownSeries(liveLimits.series + 1) },
      'invalid_request',
    ],
    ['a long message', JSON.stringify({ action: 'ping', x: 'x'.repeat(40_000) }), 'too_large'],
  ])('%s', async (_, request, code) => {
    const client = await open();
    expect(await errorOf(client, request)).toMatchObject({ code });
    await client.subscribe([a]);
    expect(client.isOpen).toBe(true);
  });

  test('the name of a route of the gateway calls no function of it', async () => {
    const client = await open();
    for (const action of ['$connect', '$disconnect']) client.send({ action });
    await client.subscribe([a]);
    await send([a], 1);
    await client.has(1);
  });

  test('more subscriptions than a connection may have, in several messages', async () => {
    const client = await open();
    await client.subscribe(ownSeries(150));
    expect(await errorOf(client, { action: 'subscribe', series: ownSeries(51) })).toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining('200'),
    });
  });

  test('more messages than a connection may send', async () => {
    const client = await open();
    for (let n = 0; n < 200; n++) client.send({ action: 'ping' });
    const error = await client.message(({ type }) => type === 'error');
    expect(error).toMatchObject({ code: 'too_many_requests' });
  });
});

describe('who may', () => {
  test('a ticket opens one socket', async () => {
    const url = await liveTicket(account.byKey);
    (await openSocket(url)).close();
    await expect(openSocket(url)).rejects.toThrow();
  });

  test.each([
    ['no ticket', ''],
    ['an empty one', '?ticket='],
    ['an unknown one', `?ticket=${'x'.repeat(43)}`],
  ])('%s opens none', async (_, query) => {
    await expect(openSocket(`${stack.live}${query}`)).rejects.toThrow();
  });

  test('a ticket that is too old opens none', async () => {
    const url = await liveTicket(account.byKey);
    await sql(
      stack.postgres.catalogue,
      `update live_tickets set expires_at = now() where account_id = $1`,
      [account.id],
    );
    await expect(openSocket(url)).rejects.toThrow();
  });

  test('tickets are in no log', async () => {
    const url = await liveTicket(account.byKey);
    (await openSocket(url)).close();
    await expect(openSocket(url)).rejects.toThrow();
    const secret = new URL(url).searchParams.get('ticket') ?? '-';
    for (const log of ['logs/nginx.log', 'logs/functions.log', 'nginx/requests.log'])
      expect(await readFile(join(home(), log), 'utf8')).not.toContain(secret);
  });

  test('an account has a number of sockets, which it gets back when it closes them', async () => {
    const own = await newAccount();
    const urls = await Promise.all(
      Array.from({ length: liveLimits.connections + 1 }, () => liveTicket(own.byKey)),
    );
    const opened = await Promise.allSettled(urls.map(openSocket));
    const sockets = opened.flatMap((result) =>
      result.status === 'fulfilled' ? [result.value] : [],
    );
    expect(sockets).toHaveLength(liveLimits.connections);
    for (const socket of sockets) socket.close();
    await waitFor('the sockets are closed', async () => {
      const [row] = await sql<{ count: number }>(
        stack.postgres.catalogue,
        'select count(*)::int as count from live_connections where account_id = $1',
        [own.id],
      );
      return row?.count === 0 || undefined;
    });
    (await openSocket(await liveTicket(own.byKey))).close();
  });

  test('an account without the grant gets no readings', async () => {
    const own = await newAccount();
    await sql(
      stack.postgres.catalogue,
      `delete from grants where account_id = $1 and source = 'iot'`,
      [own.id],
    );
    const [a = ''] = ownSeries(1);
    const client = await open(own.byKey);
    expect(await errorOf(client, { action: 'subscribe', series: [a] })).toMatchObject({
      code: 'forbidden',
    });
  });

  test('a grant that ends silences the socket', async () => {
    const own = await newAccount();
    const [a = ''] = ownSeries(1);
    const client = await open(own.byKey);
    const witness = await open();
    await client.subscribe([a]);
    await witness.subscribe([a]);
    await send([a], 1);
    await client.has(1);
    await sql(
      stack.postgres.catalogue,
      `delete from grants where account_id = $1 and source = 'iot'`,
      [own.id],
    );
    await send([a], 1, 2);
    await witness.has(2);
    await client.message((message) => message.type === 'error' && message.code === 'forbidden');
    expect(valuesOf(client, a)).toEqual([1]);
  });

  test.each([
    ['an account that is disabled', 'update accounts set disabled_at = now() where id = $1'],
    ['a key that is revoked', 'update api_keys set revoked_at = now() where account_id = $1'],
  ])('%s loses its sockets, with subscriptions or without', async (_, statement) => {
    const own = await newAccount();
    const [a = ''] = ownSeries(1);
    const subscribed = await open(own.byKey);
    await subscribed.subscribe([a]);
    const idle = await open(own.byKey);
    const unused = await liveTicket(own.byKey);
    await sql(stack.postgres.catalogue, statement, [own.id]);
    await send([a], 1);
    await sweep();
    await waitFor(
      'the sockets are closed',
      async () => (!subscribed.isOpen && !idle.isOpen) || undefined,
      { seconds: 10 },
    );
    expect(valuesOf(subscribed, a)).toEqual([]);
    await expect(openSocket(unused)).rejects.toThrow();
  });
});

test('a socket gets the states of the exports of its account, and of no others', async () => {
  const client = await open(asDemo);
  const stranger = await open();
  const { id } = await createExport(monthOfOrders);
  await ended(id);
  const ready = await client.message(
    (message) =>
      message.type === 'export' && message.export.id === id && message.export.status === 'ready',
  );
  const document = await call('GET', `/exports/${id}`, { headers: asDemo });
  expect(ready).toEqual({ type: 'export', export: JSON.parse(document.bytes.toString()) });
  expect(stranger.messages).toEqual([]);
});

test('a request to /live that is no WebSocket reaches no function', async () => {
  const answer = await call('POST', `${stack.url}/live`, { body: {}, redirect: 'follow' });
  expect(answer.status).not.toBe(200);
});
