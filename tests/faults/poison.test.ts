import { createHash, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import kafkajs from 'kafkajs';
import { sizes } from '../../lib/contracts/sizes.ts';
import { topics } from '../../lib/messaging/topics.ts';
import { asOther, call, createExport, monthOfOrders } from '../support/api.ts';
import { consume, requested, resultOf, resultsOf, type Topic } from '../support/events.ts';
import { credentials, sql, stack } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

/**
 * Messages that a producer without an account could send. Each of them once blocked a partition for ever. All of them
 * go to every partition of both topics that we consume, while other accounts create exports.
 */
const requestedBy = credentials.demo.email;
let results: Topic;
let dead: Record<string, Topic>;

beforeAll(async () => {
  results = await consume('exports.results');
  dead = {
    'exports.requested': await consume('exports.requested.dlq'),
    'exports.work': await consume('exports.work.dlq'),
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
    name: '400 kB of zeros in a timestamp',
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
  // The largest that reaches a function: its payload may have 6 MB, of base64.
  { name: '4 MB', value: Buffer.alloc(4_000_000, '[') },
  { name: 'half a surrogate pair', value: Buffer.from(event('{"x":"\\ud800"}', randomUUID())) },
  { name: 'all 256 bytes', value: Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)) },
];

test('every poison message on every partition is kept as a dead letter or answered, while others are served', async () => {
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
    // Sent last on both partitions; another export is requested through the API.
    const following = [0, 1].map((partition) => ({
      partition,
      event: requested({ ...monthOfOrders, columns: ['id'], requestedBy }),
    }));
    await producer.send({
      topic: topics.requested.name,
      messages: following.map((it) => ({
        partition: it.partition,
        value: JSON.stringify(it.event),
      })),
    });
    const { id } = await createExport({ ...monthOfOrders, columns: ['id'] }, asOther);
    await waitFor(
      'the export of another account is ready',
      async () => {
        const answer = await call('GET', `/exports/${id}`, { headers: asOther });
        return /"status":"ready"/.test(answer.bytes.toString()) ? true : undefined;
      },
      { seconds: 120 },
    );
    for (const it of following) await resultOf(results, it.event.id, 'completed');
  } finally {
    await producer.disconnect();
  }

  const deadLetterOf = (mark: string, topic: string) =>
    dead[topic]?.messages.find(({ headers }) => headers.mark === mark);
  const isAnswered = (value: Buffer): boolean => {
    const id = /"id":"([0-9a-f-]{36})"/.exec(value.subarray(0, 200).toString())?.[1];
    return id !== undefined && resultsOf(results, id, 'rejected').length === 1;
  };
  await waitFor(
    'each message is a dead letter or answered',
    async () =>
      sent.every(({ mark, topic, value }) => deadLetterOf(mark, topic) ?? isAnswered(value))
        ? true
        : undefined,
    { seconds: 120, everyMs: 500 },
  );
  // A message with a readable event id is answered, although it is larger than a request may be.
  const zeros = sent.filter(
    ({ name, topic }) => name.startsWith('400 kB') && topic === topics.requested.name,
  );
  for (const { mark, topic, value } of zeros) {
    expect(deadLetterOf(mark, topic)).toBeUndefined();
    const id = /"id":"([0-9a-f-]{36})"/.exec(value.subarray(0, 200).toString())?.[1] ?? '';
    expect(resultsOf(results, id, 'rejected')).toMatchObject([
      { data: { problem: { code: 'too_large', status: 413 } } },
    ]);
  }
  for (const { name, mark, topic, value, partition } of sent) {
    const deadLetter = deadLetterOf(mark, topic);
    if (!deadLetter) continue;
    const fits = value.length <= sizes.requestBytes;
    const expectedValue = fits ? value : value.subarray(0, sizes.requestBytes);
    expect([name, deadLetter.value?.equals(expectedValue)]).toEqual([name, true]);
    expect(deadLetter.headers.partition).toMatch(new RegExp(`${partition}$`));
    if (fits) continue;
    const sha256 = createHash('sha256').update(value).digest('hex');
    expect(JSON.parse(deadLetter.headers.cut ?? '')).toMatchObject({
      value: { bytes: value.length, sha256 },
    });
  }
  // No record is left for another delivery.
  expect(await sql(stack.postgres.catalogue, 'select * from deliveries')).toEqual([]);
});

test('a dead letter has the headers of the record, with the same names and bytes', async () => {
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
  const deadLetter = await waitFor('the dead letter arrives', async () =>
    dead['exports.requested']?.messages.find((message) => message.headers.mark === mark),
  );
  expect(deadLetter.headers).toMatchObject({
    'a\u0000b': '1',
    bytes: String(headers.bytes),
  });
});

test('twelve requests of the maximum size are ready, and so is a small one of another account', async () => {
  const value = Array.from({ length: 1_000 }, (_, n) => `${n}`.padEnd(245, 'x'));
  const large = { ...monthOfOrders, where: [{ column: 'status', op: 'in', value }] };
  expect(JSON.stringify(large).length).toBeLessThanOrEqual(sizes.requestBytes);
  const [small, ...largeExports] = await Promise.all([
    createExport({ ...monthOfOrders, columns: ['id'] }, asOther),
    ...Array.from({ length: 12 }, () => createExport(large)),
  ]);
  const states = (ids: string[]) =>
    sql<{ state: string }>(
      stack.postgres.catalogue,
      'select distinct state from exports where id = any($1::uuid[])',
      [ids],
    );
  await waitFor(
    'all exports are ready',
    async () => {
      const all = await states([small, ...largeExports].map(({ id }) => id));
      return all.length === 1 && all[0]?.state === 'ready' ? true : undefined;
    },
    { seconds: 180, everyMs: 500 },
  );
  const completed = await waitFor('the completed event arrives', async () =>
    results.messages.find(
      ({ key, value: text }) =>
        String(key) === largeExports[0]?.id && String(text).includes('export.completed.v1'),
    ),
  );
  // The event has the condition without its value.
  expect(JSON.parse(String(completed.value)).data.request.where).toEqual([
    { column: 'status', op: 'in' },
  ]);
});
