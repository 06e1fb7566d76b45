import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import type { Context } from 'aws-lambda';
import { countDelivery, forgetDeliveries } from '../../lib/messaging/delivery-counts.ts';
import { catalogue } from '../../lib/runtime/catalogue.ts';
import { kafkaHandler } from '../../lib/runtime/kafka-handler.ts';
import { openScratchOutbox } from '../support/scratch-outbox.ts';
import { sql } from '../support/stack.ts';
import { createTopic, deleteTopics } from '../support/topic.ts';

/** The middleware of every Kafka function with handlers of the test, on a scratch catalogue. */
let outbox: Awaited<ReturnType<typeof openScratchOutbox>>;
let deadLetterTopic = '';

beforeAll(async () => {
  outbox = await openScratchOutbox();
  deadLetterTopic = await createTopic(1);
});
afterEach(async () => {
  await sql(outbox.url, 'delete from outbox; delete from deliveries');
});
afterAll(async () => {
  await deleteTopics([deadLetterTopic]);
  await outbox.end();
});

const maxDeliveries = 3;
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

const functionOf = (handle: (text: string) => Promise<void>, retriesAllErrors = false) => {
  const handler = kafkaHandler({
    deadLetterTopic,
    maxDeliveries,
    retriesAllErrors,
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

/** Returns the values of the dead letters and their reasons. */
async function deadLetters(): Promise<[string, string][]> {
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

test('a handled record leaves no dead letter and no count', async () => {
  await functionOf(async () => undefined)('good');
  expect(await deadLetters()).toEqual([]);
  expect(await counted()).toEqual([]);
});

test.each([
  ['that cannot be parsed, whatever the handler does', 'unreadable', async () => undefined],
  ['with a value that the catalogue rejects', 'bad', failing('22P05')],
  [
    'on which the handler has a bug',
    'bad',
    async () => {
      throw new TypeError('x is not a function');
    },
  ],
])('a record %s is sent to the dead letter topic at once', async (_what, value, handle) => {
  await functionOf(handle)(value);
  expect((await deadLetters()).map(([text]) => text)).toEqual([value]);
  expect(await counted()).toEqual([]);
});

test('a record that fails by a transient catalogue error is redelivered, then sent to the dead letter topic', async () => {
  const deliver = functionOf(failing('57014'));
  for (let times = 0; times < maxDeliveries; times++)
    await expect(deliver('slow')).rejects.toThrow('57014');
  expect(await deadLetters()).toEqual([]);
  await deliver('slow');
  expect(await deadLetters()).toEqual([['slow', 'It was delivered 3 times and never handled.']]);
  expect(await counted()).toEqual([]);
});

test('a record that crashes or hangs its process is sent to the dead letter topic and not handled again', async () => {
  // A crashed process leaves only these counts.
  for (let times = 0; times < maxDeliveries; times++) await countDelivery(origin);
  let handled = 0;
  await functionOf(async () => {
    handled++;
  })('deadly');
  expect(handled).toBe(0);
  expect((await deadLetters()).map(([text]) => text)).toEqual(['deadly']);
});

test('a record that another delivery may fix is redelivered first', async () => {
  const deliver = functionOf(failing('22P05'), true);
  for (let times = 0; times < maxDeliveries; times++)
    await expect(deliver('unit')).rejects.toThrow('22P05');
  await deliver('unit');
  expect((await deadLetters()).map(([text]) => text)).toEqual(['unit']);
});

test('a record is never sent to the dead letter topic because the catalogue is down', async () => {
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
    for (let times = 0; times < maxDeliveries * 2; times++) {
      await expect(deliver('good')).rejects.toThrow();
      await allow(true);
    }
  } finally {
    await allow(true);
  }
  await functionOf(async () => undefined)('good');
  expect(await deadLetters()).toEqual([]);
});

test('deliveries before a restart of the catalogue are not counted', async () => {
  for (let times = 0; times < maxDeliveries; times++) await countDelivery(origin);
  await sql(
    outbox.url,
    `update deliveries set last_at = pg_postmaster_start_time() - interval '1 second'`,
  );
  expect(await countDelivery(origin)).toBe(1);
  await forgetDeliveries(origin);
});
