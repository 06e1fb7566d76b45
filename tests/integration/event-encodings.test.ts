import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import kafkajs from 'kafkajs';
import { exportRejectedSchema } from '../../lib/contracts/events.ts';
import { monthOfOrders } from '../support/api.ts';
import { consume, requested, resultOf, resultsOf, type Topic } from '../support/events.ts';
import { credentials, stack } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

/** Events as other producers write them: with each compression of Kafka, more attributes and other encodings. */
const requestedBy = credentials.demo.email;
const { CompressionTypes, Kafka, logLevel, Partitioners } = kafkajs;
const kafka = new Kafka({ brokers: stack.kafka.brokers, logLevel: logLevel.NOTHING });
const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
let results: Topic;
let deadLetters: Topic;

beforeAll(async () => {
  results = await consume('exports.results');
  deadLetters = await consume('exports.requested.dlq');
  await producer.connect();
});
afterAll(async () => {
  await producer.disconnect();
  await results.close();
  await deadLetters.close();
});

const event = (more: object = {}) => ({
  ...requested({ ...monthOfOrders, columns: ['id'], requestedBy }),
  ...more,
});
const send = (
  value: Buffer | string | null,
  compression = CompressionTypes.None,
  headers: Record<string, string> = {},
) =>
  producer.send({
    topic: 'exports.requested',
    compression,
    messages: [{ key: null, value, headers }],
  });

const codecs = ['None', 'GZIP', 'Snappy', 'LZ4', 'ZSTD'] as const;

test('events are accepted with each compression of Kafka', async () => {
  await Promise.all(
    codecs.map(async (name) => {
      // Large enough to be compressed, and unique.
      const request = event({ subject: Array.from({ length: 200 }, () => randomUUID()).join() });
      await send(JSON.stringify(request), CompressionTypes[name]);
      const { data } = await resultOf(results, request.id, 'accepted');
      expect(data).toMatchObject({ owner: requestedBy, request: { columns: ['id'] } });
    }),
  );
});

const accepted: Readonly<Record<string, (request: object) => string>> = {
  'with extension attributes': (request) =>
    JSON.stringify({
      ...request,
      traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
      myext: 7,
      other: true,
    }),
  'with all attributes of CloudEvents': (request) =>
    JSON.stringify({
      ...request,
      subject: 'x',
      time: '2026-03-01T00:00:00+01:00',
      datacontenttype: 'application/json',
      dataschema: 'https://example.com/schema',
    }),
  'in many lines': (request) => `\r\n\t ${JSON.stringify(request, null, 2)}\n`,
};

test('events are accepted with more attributes and with white space around the JSON', async () => {
  const sent = Object.entries(accepted).map(([name, write]) => ({ name, request: event(), write }));
  for (const { request, write } of sent) await send(write(request));
  for (const { name, request } of sent) {
    const { data } = await resultOf(results, request.id, 'accepted');
    expect({ name, ...data }).toMatchObject({ name, owner: requestedBy });
  }
});

test('an event with its data in base64 is rejected as malformed', async () => {
  const { data, ...request } = event();
  const base64 = Buffer.from(JSON.stringify(data)).toString('base64');
  await send(JSON.stringify({ ...request, data_base64: base64 }));
  const rejected = exportRejectedSchema.parse(await resultOf(results, request.id, 'rejected'));
  expect(rejected.data.problem.code).toBe('malformed_body');
  expect(resultsOf(results, request.id, 'accepted')).toEqual([]);
});

const schemaRegistryPrefix = Buffer.from([0, 0, 0, 0, 7]);
const unreadable: Readonly<Record<string, (text: string) => Buffer>> = {
  'after a byte order mark': (text) => Buffer.from(`\ufeff${text}`),
  'after the prefix of a schema registry': (text) =>
    Buffer.concat([schemaRegistryPrefix, Buffer.from(text)]),
  'in UTF-16': (text) => Buffer.from(text, 'utf16le'),
  'twice, in two lines': (text) => Buffer.from(`${text}\n${text}`),
  'in an array, as a batch': (text) => Buffer.from(`[${text}]`),
};

test('a record that is not the JSON of one event becomes a dead letter with its bytes and the reason', async () => {
  const sent = Object.entries(unreadable).map(([name, write]) => {
    const request = event();
    return { name, request, mark: randomUUID(), value: write(JSON.stringify(request)) };
  });
  for (const { value, mark } of sent) await send(value, CompressionTypes.None, { mark });
  for (const { name, request, mark, value } of sent) {
    const letter = await waitFor(`the dead letter of the event ${name}`, async () =>
      deadLetters.messages.find(({ headers }) => headers.mark === mark),
    );
    expect({ name, isWhole: letter.value?.equals(value) }).toEqual({ name, isWhole: true });
    expect(letter.headers.reason).toMatch(/\w{4}/);
    expect(resultsOf(results, request.id, 'accepted')).toEqual([]);
  }
});
