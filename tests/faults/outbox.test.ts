import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { cloudEvent } from '../../lib/messaging/cloud-event.ts';
import { enqueue, relay } from '../../lib/messaging/outbox.ts';
import { topics } from '../../lib/messaging/topics.ts';
import { advisoryLocks, catalogue } from '../../lib/runtime/catalogue.ts';
import { consume, produce, type Topic } from '../support/events.ts';
import { openScratchOutbox } from '../support/scratch-outbox.ts';
import { readStack, sql } from '../support/stack.ts';
import { countMessages, createTopic, deleteTopics } from '../support/topic.ts';
import { waitFor } from '../support/wait-for.ts';

/** Tests the relay alone, with a catalogue and topics of its own. In the long form the backlog is 100 MB. */
const megabytes = process.env.STREAMSYNC_TEST_LONG === '1' ? 100 : 3;
let outbox: Awaited<ReturnType<typeof openScratchOutbox>>;
const created: string[] = [];
const followed: Topic[] = [];

beforeAll(async () => {
  outbox = await openScratchOutbox();
});
afterEach(async () => {
  for (const topic of followed.splice(0)) await topic.close();
  await sql(outbox.url, 'delete from outbox');
});
afterAll(async () => {
  await deleteTopics(created);
  await outbox.end();
});

async function topicOf(partitions: number, maxMessageBytes?: number): Promise<string> {
  const topic = await createTopic(partitions, maxMessageBytes);
  created.push(topic);
  return topic;
}

const put = (topic: string, partition: number, value: Buffer | string) =>
  enqueue(catalogue(), { topic, partition, key: null, value: Buffer.from(value) });

interface Sent {
  sent: number;
  failed: number;
  left: number;
}
async function counts(topic: string): Promise<Sent> {
  const [row] = await sql<Sent>(
    outbox.url,
    `select count(sent_at)::int as sent, count(failed_at)::int as failed,
       (count(*) - count(sent_at) - count(failed_at))::int as left from outbox where topic = $1`,
    [topic],
  );
  if (!row) throw new Error('the query of the counts returned no row');
  return row;
}

/** Relays until the outbox has no message of a topic. */
const drain = (topic: string, seconds = 60) =>
  waitFor(
    `the outbox of ${topic} is empty`,
    async () => {
      await relay();
      return (await counts(topic)).left === 0 ? true : undefined;
    },
    { seconds },
  );

async function valuesOf(topic: string, count: number): Promise<Topic['messages']> {
  const seen = await consume(topic);
  followed.push(seen);
  await waitFor(`${count} messages in ${topic}`, async () =>
    seen.messages.length >= count ? true : undefined,
  );
  return seen.messages;
}

test('a message that Kafka rejects is replaced by its short form; all other messages are sent in order', async () => {
  const topic = await topicOf(2, 20_000);
  const large = Buffer.alloc(50_000, 'x');
  for (const n of [1, 2, 3]) await put(topic, 0, `a${n}`);
  await put(topic, 0, large);
  for (const n of [4, 5]) await put(topic, 0, `a${n}`);
  for (const n of [1, 2, 3]) await put(topic, 1, `b${n}`);
  await drain(topic);
  expect(await counts(topic)).toEqual({ sent: 8, failed: 1, left: 0 });
  const messages = await valuesOf(topic, 9);
  const of = (partition: number) =>
    messages.filter((it) => it.partition === partition).map(({ value }) => String(value));
  expect(of(0).map((text) => (text.length > 10 ? 'short form' : text))).toEqual([
    'a1',
    'a2',
    'a3',
    'short form',
    'a4',
    'a5',
  ]);
  expect(of(1)).toEqual(['b1', 'b2', 'b3']);
  const cut = messages.find(({ headers }) => 'cut' in headers)?.headers.cut;
  expect(JSON.parse(cut ?? '')).toMatchObject({ value: { bytes: 50_000 } });
  const [row] = await sql<{ failure: string }>(
    outbox.url,
    'select failure from outbox where failed_at is not null',
  );
  expect(row?.failure).toMatch(/MESSAGE_TOO_LARGE.*50000 bytes.*a short form was sent/);
});

test('small messages that are too large together are sent in smaller batches', async () => {
  const topic = await topicOf(1, 10_000);
  for (let n = 0; n < 40; n++) await put(topic, 0, String(n).padEnd(2_000));
  await drain(topic);
  expect(await counts(topic)).toEqual({ sent: 40, failed: 0, left: 0 });
  const messages = await valuesOf(topic, 40);
  expect(messages.map(({ value }) => Number(value))).toEqual(
    Array.from({ length: 40 }, (_, n) => n),
  );
});

test('a partition without a broker blocks no other partition, and no message is sent twice', async () => {
  const topic = await topicOf(2);
  // The topic has no partition 7, as if its brokers were down.
  await put(topic, 7, 'never');
  for (const n of [1, 2, 3]) for (const partition of [0, 1]) await put(topic, partition, String(n));
  for (let again = 0; again < 5; again++) await relay();
  expect(await counts(topic)).toEqual({ sent: 6, failed: 0, left: 1 });
  // Each further relay leaves that message and repeats no other.
  for (let again = 0; again < 20; again++) await relay();
  expect(await countMessages(topic)).toBe(6);
});

test(`a backlog of ${megabytes} MB that was stored while Kafka was down drains in order`, async () => {
  const topic = await topicOf(2);
  const bytes = 7_600;
  const count = Math.ceil((megabytes * 1_000_000) / bytes);
  const broker = (await readStack()).processes.find(({ name }) => name === 'kafka');
  if (!broker) throw new Error('stack.json names no process kafka');
  process.kill(broker.pid, 'SIGSTOP');
  try {
    await sql(
      outbox.url,
      `insert into outbox (event_id, topic, partition, value)
       select gen_random_uuid(), $1, n % 2, convert_to(rpad(n::text, $2), 'UTF8')
       from generate_series(0, $3::int - 1) n`,
      [topic, bytes, count],
    );
    // The relay gives up after a short time, and marks no message as sent.
    await relay();
    expect((await counts(topic)).left).toBe(count);
  } finally {
    process.kill(broker.pid, 'SIGCONT');
  }
  const before = process.memoryUsage().rss;
  const startedAt = performance.now();
  await drain(topic, 300);
  const seconds = (performance.now() - startedAt) / 1_000;
  console.info(
    `${megabytes} MB in ${count} messages drained in ${seconds.toFixed(1)} s, RSS + ${Math.round((process.memoryUsage().rss - before) / 1e6)} MB`,
  );
  expect(await counts(topic)).toEqual({ sent: count, failed: 0, left: 0 });
  if (megabytes > 3) return;
  const messages = await valuesOf(topic, count);
  for (const partition of [0, 1]) {
    // Kafka may handle a batch that it had received before it stopped, before or after the repeated one: a message is
    // there twice then, and consumers ignore the second.
    const numbers = messages
      .filter((it) => it.partition === partition)
      .map(({ value }) => Number(value));
    const expected = Array.from({ length: count }, (_, n) => n).filter((n) => n % 2 === partition);
    expect([...new Set(numbers)]).toEqual(expected);
  }
});

test('messages for the workers do not wait for a relay that is busy with another topic', async () => {
  const topic = await topicOf(1);
  await put(topic, 0, 'waits');
  const unit = { unitId: randomUUID(), dispatchId: randomUUID(), exportId: randomUUID() };
  const event = cloudEvent('streamsync.unit.dispatched.v1', unit.exportId, unit);
  await enqueue(catalogue(), {
    topic: topics.work.name,
    partition: 3,
    key: null,
    value: Buffer.from(JSON.stringify(event)),
  });
  // A relay that stays busy: its lock is held.
  const busy = await catalogue().connect();
  await busy.query('begin');
  await busy.query('select pg_advisory_xact_lock($1, hashtext($2))', [
    advisoryLocks.relay,
    `${topic}-0`,
  ]);
  try {
    const relaying = relay();
    await waitFor('the message for the worker is sent', async () =>
      (await counts(topics.work.name)).sent === 1 ? true : undefined,
    );
    expect((await counts(topic)).left).toBe(1);
    await relaying;
  } finally {
    await busy.query('rollback');
    busy.release();
  }
  await drain(topic);
});

test('a message that is stored while a relay runs is sent by it', async () => {
  const topic = await topicOf(4);
  await Promise.all(
    Array.from({ length: 60 }, async (_, n) => {
      await put(topic, n % 4, `${n}`);
      await relay();
    }),
  );
  // No sweep runs here: each message was sent before the relay after it returned.
  expect(await counts(topic)).toEqual({ sent: 60, failed: 0, left: 0 });
  expect(await countMessages(topic)).toBe(60);
});

test('a key has the partition that every Kafka client chooses', async () => {
  const keys = Array.from({ length: 20 }, () => randomUUID());
  for (const key of keys)
    await enqueue(catalogue(), { topic: topics.results.name, key, value: null });
  const rows = await sql<{ key: Buffer; partition: number }>(
    outbox.url,
    'select key, partition from outbox order by id',
  );
  const clientTopic = await topicOf(topics.results.partitions);
  await produce(
    clientTopic,
    keys.map((key) => ({ key, value: 'x' })),
  );
  const messages = await valuesOf(clientTopic, keys.length);
  const chosen = new Map(messages.map(({ key, partition }) => [String(key), partition]));
  expect(rows.map(({ key, partition }) => [String(key), partition])).toEqual(
    keys.map((key) => [key, chosen.get(key)]),
  );
});
