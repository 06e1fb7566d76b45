import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import type { Context } from 'aws-lambda';
import { countDelivery, forgetDeliveries } from '../../lib/messaging/deliveries.ts';
import { catalogue } from '../../lib/runtime/catalogue.ts';
import { kafkaFunction } from '../../lib/runtime/kafka-function.ts';
import { openFreshOutbox } from '../stack/fresh-outbox.ts';
import { sql } from '../stack/stack.ts';
import { createTopic, deleteTopics } from '../stack/topic.ts';

/** The stack that every Kafka function has, with handlers of the test's own, on a catalogue of its own. */
let outbox: Awaited<ReturnType<typeof openFreshOutbox>>;
let deadLetterTopic = '';

beforeAll(async () => {
  outbox = await openFreshOutbox();
  deadLetterTopic = await createTopic(1);
});
afterEach(async () => {
  await sql(outbox.url, 'delete from outbox; delete from deliveries');
});
afterAll(async () => {
  await deleteTopics([deadLetterTopic]);
  await outbox.end();
});

const most = 3;
const context: Context = {
  functionName: 'test',
  functionVersion: '1',
  invokedFunctionArn: 'arn:test',
  memoryLimitInMB: '128',
  awsRequestId: randomUUID(),
  logGroupName: 'test',
  logStreamName: 'test',
  callbackWaitsForEmptyEventLoop: true,
  getRemainingTimeInMillis: () => 10_000,
  done: () => undefined,
  fail: () => undefined,
  succeed: () => undefined,
};

const functionOf = (handle: (text: string) => Promise<void>, triesAgain = false) => {
  const handler = kafkaFunction({
    deadLetterTopic,
    mostDeliveries: most,
    triesAgain,
    read: (text) => {
      if (text === 'unreadable') throw new RangeError('Maximum call stack size exceeded');
      return text;
    },
    handle,
  });
  return async (value: string, offset = 7): Promise<void> => {
    const record = {
      topic: 'requests',
      partition: 0,
      offset,
      timestamp: 0,
      timestampType: 'CREATE_TIME' as const,
      key: '',
      value: Buffer.from(value).toString('base64'),
      headers: [{ constructor: [1, -1] }],
    };
    const event = {
      eventSource: 'aws:kafka' as const,
      eventSourceArn: 'arn:test',
      bootstrapServers: 'b',
      records: { 'requests-0': [record] },
    };
    await handler(event, context);
  };
};

/** The values of the dead letters, and why they are. */
async function letters(): Promise<[string, string][]> {
  const rows = await sql<{ value: Buffer; headers: [string, string][] }>(
    outbox.url,
    'select value, headers from outbox where topic = $1 order by id',
    [deadLetterTopic],
  );
  const decode = (base64: string): string => Buffer.from(base64, 'base64').toString();
  return rows.map(({ value, headers }) => [
    String(value),
    decode(headers.find(([name]) => decode(name) === 'reason')?.[1] ?? ''),
  ]);
}

const counted = () => sql(outbox.url, 'select "offset" from deliveries');
const origin = { topic: 'requests', partition: 0, offset: 7 };
const failing = (code: string) => async (): Promise<void> => {
  throw Object.assign(new Error(`failed with ${code}`), { code });
};

test('what is handled leaves nothing behind', async () => {
  await functionOf(async () => undefined)('good');
  expect(await letters()).toEqual([]);
  expect(await counted()).toEqual([]);
});

test.each([
  ['that cannot be read, whatever is thrown', 'unreadable', async () => undefined],
  ['of which the catalogue cannot take a value', 'bad', failing('22P05')],
  [
    'on which we make a mistake',
    'bad',
    async () => {
      throw new TypeError('x is not a function');
    },
  ],
])('a record %s is put aside at once', async (_what, value, handle) => {
  await functionOf(handle)(value);
  expect((await letters()).map(([text]) => text)).toEqual([value]);
  expect(await counted()).toEqual([]);
});

test('one that the catalogue could not handle just now comes again, and is put aside when that does not help', async () => {
  const deliver = functionOf(failing('57014'));
  for (let times = 0; times < most; times++) await expect(deliver('slow')).rejects.toThrow('57014');
  expect(await letters()).toEqual([]);
  await deliver('slow');
  expect(await letters()).toEqual([['slow', 'It was delivered 3 times and never got through.']]);
  expect(await counted()).toEqual([]);
});

test('one that ends or hangs its process is put aside, and is not handled any more', async () => {
  // A process that was ended left this behind, and nothing else.
  for (let times = 0; times < most; times++) await countDelivery(origin);
  let handled = 0;
  await functionOf(async () => {
    handled++;
  })('deadly');
  expect(handled).toBe(0);
  expect((await letters()).map(([text]) => text)).toEqual(['deadly']);
});

test('where another delivery may mend anything, it comes again first', async () => {
  const deliver = functionOf(failing('22P05'), true);
  for (let times = 0; times < most; times++) await expect(deliver('unit')).rejects.toThrow('22P05');
  await deliver('unit');
  expect((await letters()).map(([text]) => text)).toEqual(['unit']);
});

test('a catalogue that is away is not the fault of a record, however often it is delivered', async () => {
  const name = new URL(outbox.url).pathname.slice(1);
  const server = new URL(outbox.url);
  server.pathname = '/postgres';
  const allow = (yes: boolean) =>
    sql(server.href, `alter database ${name} with allow_connections ${yes}`);
  const deliver = functionOf(async () => {
    await allow(false);
    await sql(
      server.href,
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`,
    );
    await catalogue().query('select 1');
  });
  try {
    for (let times = 0; times < most * 2; times++) {
      await expect(deliver('good')).rejects.toThrow();
      await allow(true);
    }
  } finally {
    await allow(true);
  }
  await functionOf(async () => undefined)('good');
  expect(await letters()).toEqual([]);
});

test('those before a restart of the catalogue do not count', async () => {
  for (let times = 0; times < most; times++) await countDelivery(origin);
  await sql(
    outbox.url,
    `update deliveries set last_at = pg_postmaster_start_time() - interval '1 second'`,
  );
  expect(await countDelivery(origin)).toBe(1);
  await forgetDeliveries(origin);
});
