import { createHash, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import kafkajs from 'kafkajs';
import { sizes } from '../../lib/contracts/sizes.ts';
import { topics } from '../../lib/messaging/topics.ts';
import { asOther, call, createExport, monthOfOrders } from '../stack/api.ts';
import { follow, requested, resultOf, resultsOf, type Topic } from '../stack/events.ts';
import { credentials, sql, stack } from '../stack/stack.ts';
import { until } from '../stack/until.ts';

/**
 * What may be sent to Kafka by whoever may write there, without an account: each of these once stopped a
 * partition for ever. All of them go to every partition of both topics that we consume, at once, and
 * exports of others are asked for and made meanwhile.
 */
const requestedBy = credentials.demo.email;
let results: Topic;
let dead: Record<string, Topic>;

beforeAll(async () => {
  results = await follow('exports.results');
  dead = {
    'exports.requested': await follow('exports.requested.dlq'),
    'exports.work': await follow('exports.work.dlq'),
  };
});
afterAll(async () => {
  for (const topic of [results, ...Object.values(dead)]) await topic.close();
});

const event = (data: string, id: string, type = 'streamsync.export.requested.v1'): string =>
  `{"specversion":"1.0","id":"${id}","source":"/tests","type":"${type}","data":${data}}`;
const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
const bracket = nested(6_000);

interface Poison {
  name: string;
  value: Buffer;
  headers?: Record<string, Buffer | Buffer[]>;
}
const bad = Buffer.from('{"specversion":');
const one = Buffer.from('1');
const withNames = (...names: string[]): Record<string, Buffer> =>
  Object.fromEntries(names.map((name) => [name, one]));

const poisons = (): Poison[] => [
  { name: 'brackets', value: Buffer.from(event(bracket, randomUUID())) },
  {
    name: 'brackets for the worker',
    value: Buffer.from(event(bracket, randomUUID(), 'streamsync.unit.dispatched.v1')),
  },
  { name: 'brackets of 200 kB', value: Buffer.from(nested(100_000)) },
  { name: 'NUL in the name of a header', value: bad, headers: withNames('a\u0000b') },
  {
    name: 'names that every object has',
    value: bad,
    headers: withNames('constructor', 'toString', '__proto__', 'hasOwnProperty', ''),
  },
  { name: 'a header twice', value: bad, headers: { twice: [one, Buffer.from([0xff, 0x00])] } },
  {
    name: '10,000 headers',
    value: bad,
    headers: withNames(...Array.from({ length: 10_000 }, (_, n) => `h${n}`)),
  },
  { name: 'our own headers', value: bad, headers: withNames('reason', 'topic', 'offset', 'cut') },
  {
    name: '400 kB of zeros in an instant',
    value: Buffer.from(
      event(
        JSON.stringify({
          ...monthOfOrders,
          requestedBy,
          from: `2024-03-01T00:00:00.${'0'.repeat(400_000)}1Z`,
        }),
        randomUUID(),
      ),
    ),
  },
  { name: '5 MB', value: Buffer.alloc(5_000_000, '[') },
  { name: 'half a surrogate pair', value: Buffer.from(event('{"x":"\\ud800"}', randomUUID())) },
  { name: 'no text at all', value: Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)) },
];

test('every poison on every partition at once: each is put aside with what it was, others are served meanwhile', async () => {
  const sent = [topics.requested, topics.work].flatMap(({ name: topic, partitions }) =>
    Array.from({ length: partitions }, (_, partition) =>
      poisons().map((poison) => ({ ...poison, topic, partition, mark: randomUUID() })),
    ).flat(),
  );
  const { Kafka, CompressionTypes, logLevel } = kafkajs;
  const kafka = new Kafka({ brokers: stack.kafka.brokers, logLevel: logLevel.NOTHING });
  const producer = kafka.producer();
  await producer.connect();
  try {
    for (const { topic, partition, value, headers, mark } of sent)
      await producer.send({
        topic,
        compression: CompressionTypes.GZIP,
        messages: [{ partition, key: null, value, headers: { ...headers, mark } }],
      });
    // Behind them on both partitions, and by the API.
    const behind = [0, 1].map((partition) => ({
      partition,
      event: requested({ ...monthOfOrders, columns: ['id'], requestedBy }),
    }));
    await producer.send({
      topic: topics.requested.name,
      messages: behind.map((it) => ({ partition: it.partition, value: JSON.stringify(it.event) })),
    });
    const { id } = await createExport({ ...monthOfOrders, columns: ['id'] }, asOther);
    await until(
      'the export of another account is ready',
      async () => {
        const answer = await call('GET', `/exports/${id}`, { headers: asOther });
        return /"status":"ready"/.test(answer.bytes.toString()) ? true : undefined;
      },
      { seconds: 120 },
    );
    for (const it of behind) await resultOf(results, it.event.id, 'completed');
  } finally {
    await producer.disconnect();
  }

  const letterOf = (mark: string, topic: string) =>
    dead[topic]?.messages.find(({ headers }) => headers.mark === mark);
  const isAnswered = (value: Buffer): boolean => {
    const id = /"id":"([0-9a-f-]{36})"/.exec(value.subarray(0, 200).toString())?.[1];
    return id !== undefined && resultsOf(results, id, 'rejected').length === 1;
  };
  await until(
    'each is put aside or answered',
    async () =>
      sent.every(({ mark, topic, value }) => letterOf(mark, topic) ?? isAnswered(value))
        ? true
        : undefined,
    { seconds: 120, everyMilliseconds: 500 },
  );
  // What says which event it is can be answered, though it is larger than a request may be.
  const zeros = sent.filter(
    ({ name, topic }) => name.startsWith('400 kB') && topic === topics.requested.name,
  );
  for (const { mark, topic, value } of zeros) {
    expect(letterOf(mark, topic)).toBeUndefined();
    const id = /"id":"([0-9a-f-]{36})"/.exec(value.subarray(0, 200).toString())?.[1] ?? '';
    expect(resultsOf(results, id, 'rejected')).toMatchObject([
      { data: { problem: { code: 'too_large', status: 413 } } },
    ]);
  }
  for (const { name, mark, topic, value, partition } of sent) {
    const letter = letterOf(mark, topic);
    if (!letter) continue;
    const fits = value.length <= sizes.requestBytes;
    const kept = fits ? value : value.subarray(0, sizes.requestBytes);
    expect([name, letter.value?.equals(kept)]).toEqual([name, true]);
    expect(letter.headers.partition).toMatch(new RegExp(`${partition}$`));
    if (fits) continue;
    const sha256 = createHash('sha256').update(value).digest('hex');
    expect(JSON.parse(letter.headers.cut ?? '')).toMatchObject({
      value: { bytes: value.length, sha256 },
    });
  }
  // Nothing is left to be delivered again.
  expect(await sql(stack.postgres.catalogue, 'select * from deliveries')).toEqual([]);
});

test('headers of a dead letter are those of the record, by name and bytes', async () => {
  const mark = randomUUID();
  const headers = {
    mark,
    bytes: Buffer.from([0, 255, 128, 10]),
    ...withNames('constructor', 'a\u0000b'),
  };
  const { Kafka, logLevel } = kafkajs;
  const kafka = new Kafka({ brokers: stack.kafka.brokers, logLevel: logLevel.NOTHING });
  const producer = kafka.producer();
  await producer.connect();
  await producer.send({ topic: 'exports.requested', messages: [{ value: bad, headers }] });
  await producer.disconnect();
  const letter = await until('the dead letter', async () =>
    dead['exports.requested']?.messages.find((message) => message.headers.mark === mark),
  );
  expect(letter.headers).toMatchObject({
    'a\u0000b': '1',
    bytes: String(headers.bytes),
  });
});

test('twelve requests at the limit of their size are made, and so is a small one of another account', async () => {
  const value = Array.from({ length: 1_000 }, (_, n) => `${n}`.padEnd(245, 'x'));
  const large = { ...monthOfOrders, where: [{ column: 'status', op: 'in', value }] };
  expect(JSON.stringify(large).length).toBeLessThanOrEqual(sizes.requestBytes);
  const [small, ...asked] = await Promise.all([
    createExport({ ...monthOfOrders, columns: ['id'] }, asOther),
    ...Array.from({ length: 12 }, () => createExport(large)),
  ]);
  const states = (ids: string[]) =>
    sql<{ state: string }>(
      stack.postgres.catalogue,
      'select distinct state from exports where id = any($1::uuid[])',
      [ids],
    );
  await until(
    'all are ready',
    async () => {
      const all = await states([small, ...asked].map(({ id }) => id));
      return all.length === 1 && all[0]?.state === 'ready' ? true : undefined;
    },
    { seconds: 180, everyMilliseconds: 500 },
  );
  const completed = await until('the event', async () =>
    results.messages.find(
      ({ key, value: text }) =>
        String(key) === asked[0]?.id && String(text).includes('export.completed.v1'),
    ),
  );
  // The event names the condition, and not what it compares with.
  expect(JSON.parse(String(completed.value)).data.request.where).toEqual([
    { column: 'status', op: 'in' },
  ]);
});
