import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import kafkajs from 'kafkajs';
import { z } from 'zod';
import { registerCodecs } from '../../infra/offline/codecs.ts';
import { consume, produce, type Topic } from '../support/events.ts';
import { KafkaSourceService, writeService } from '../support/kafka-source/service.ts';
import { OfflineService } from '../support/offline-service.ts';
import { stack } from '../support/stack.ts';
import { storageClient } from '../support/storage.ts';

const { Kafka, CompressionTypes, logLevel } = kafkajs;

const bucket = `kafka-source-${randomUUID()}`;
const s3 = storageClient();
const toBucket = { DestinationConfig: { OnFailure: { Destination: `arn:aws:s3:::${bucket}` } } };
const provisioned = { provisionedPollerConfig: { minimumPollers: 1, maximumPollers: 1 } };
/** In seconds; the broker keeps the records of a week. */
const eventTime = Math.floor(Date.now() / 1000) - 3_600;

const failureSchema = z.looseObject({
  requestContext: z.looseObject({ requestId: z.string() }),
  payload: z.unknown(),
});

let service: KafkaSourceService;
let failed: Topic;

/** Sends records to the topic of a function as one batch of its partition 0. */
const send = (name: string, ...values: string[]): Promise<void> =>
  produce(
    service.topicOf(name),
    values.map((value) => ({ partition: 0, key: `key of ${value}`, value })),
  );

beforeAll(async () => {
  await s3.send(new CreateBucketCommand({ Bucket: bucket }));
  service = await KafkaSourceService.start(
    ({ failed: failedTopic, tiny }) => {
      const toKafka = (topic: string) => ({
        DestinationConfig: { OnFailure: { Destination: `kafka://${topic}` } },
      });
      const toTopic = toKafka(failedTopic);
      return {
        plain: {},
        reports: {
          event: provisioned,
          properties: { FunctionResponseTypes: ['ReportBatchItemFailures'] },
          environment: { MODE: 'report' },
        },
        ignored: { environment: { MODE: 'report' } },
        reportsForever: {
          event: provisioned,
          properties: {
            FunctionResponseTypes: ['ReportBatchItemFailures'],
            MaximumRetryAttempts: 1,
            ...toTopic,
          },
          environment: { MODE: 'report' },
        },
        filtered: { event: { filterPatterns: [{ value: { device: [{ prefix: 'AB' }] } }] } },
        bisected: {
          event: provisioned,
          properties: { BisectBatchOnFunctionError: true, MaximumRetryAttempts: 0, ...toTopic },
        },
        aged: {
          event: provisioned,
          properties: { MaximumRecordAgeInSeconds: 3600, ...toTopic },
        },
        stored: {
          event: provisioned,
          properties: { MaximumRetryAttempts: 1, ...toBucket },
        },
        refused: {
          event: provisioned,
          properties: { MaximumRetryAttempts: 0, ...toKafka(tiny) },
        },
        large: { properties: toBucket },
        dropped: {},
        atTime: {
          partitions: 2,
          event: { startingPosition: 'AT_TIMESTAMP', startingPositionTimestamp: eventTime },
        },
        latest: { event: { startingPosition: 'LATEST' } },
        selfManaged: { isSelfManaged: true, event: provisioned },
        compressed: {},
        shared: { partitions: 4 },
      };
    },
    { s3Endpoint: stack.s3.endpoint },
    async (topicOf) => {
      const at = (seconds: number) => String(seconds * 1000);
      await produce(topicOf('atTime'), [
        { partition: 0, value: 'before', timestamp: at(eventTime - 1) },
        { partition: 0, value: 'at', timestamp: at(eventTime) },
        { partition: 0, value: 'after', timestamp: at(eventTime + 1) },
        { partition: 1, value: 'long before', timestamp: at(eventTime - 100) },
      ]);
      await produce(topicOf('latest'), [{ value: 'before' }]);
    },
  );
  failed = await consume(service.topicOf('failed'));
});

afterAll(async () => {
  await failed.close();
  await service[Symbol.asyncDispose]();
});

/** Waits for the failures that the destination topic has of a function. */
const failuresOf = (name: string, count: number) =>
  service.process.waitFor(`${count} failures of ${name} arrive`, () => {
    const found = failed.messages
      .map(({ key, value }) => ({
        key: String(key),
        failure: failureSchema.parse(JSON.parse(String(value))),
      }))
      .filter(({ failure }) => JSON.stringify(failure.payload).includes(service.topicOf(name)));
    return found.length === count ? found : undefined;
  });

/** Waits for the failure that the destination bucket has of a function. */
const storedFailureOf = (name: string) =>
  service.process.waitFor(`a failure of ${name} is stored`, async () => {
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket }));
    const key = Contents.find(({ Key }) => Key?.includes(service.topicOf(name)))?.Key;
    if (key === undefined) return undefined;
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    const text = (await Body?.transformToString()) ?? '';
    return { key, failure: failureSchema.parse(JSON.parse(text)) };
  });

describe('the event', () => {
  test('has the records of a partition in order, which are committed then', async () => {
    await send('plain', 'a', 'b', 'c');
    expect(await service.committedBatchesOf('plain')).toEqual([['a', 'b', 'c']]);
    const [event] = await service.eventsOf('plain');
    expect(event).toMatchObject({
      eventSource: 'aws:kafka',
      eventSourceArn: 'arn:aws:kafka:us-east-1:000000000000:cluster/test/1',
      bootstrapServers: stack.kafka.brokers.join(','),
    });
  });

  test('of self-managed Kafka names its source and has no ARN', async () => {
    await send('selfManaged', 'a');
    expect(await service.committedBatchesOf('selfManaged')).toEqual([['a']]);
    const [event] = await service.eventsOf('selfManaged');
    expect(event?.eventSource).toBe('SelfManagedKafka');
    expect(event).not.toHaveProperty('eventSourceArn');
  });

  test('has records of all four compression codecs', async () => {
    registerCodecs();
    const kafka = new Kafka({ brokers: stack.kafka.brokers, logLevel: logLevel.NOTHING });
    const producer = kafka.producer();
    await producer.connect();
    const { None, GZIP, Snappy, LZ4, ZSTD } = CompressionTypes;
    for (const compression of [None, GZIP, Snappy, LZ4, ZSTD])
      await producer.send({
        topic: service.topicOf('compressed'),
        compression,
        messages: [{ value: `codec ${compression} `.repeat(100) }],
      });
    await producer.disconnect();
    const batches = await service.committedBatchesOf('compressed');
    expect(batches.flat()).toEqual(
      [None, GZIP, Snappy, LZ4, ZSTD].map((codec) => `codec ${codec} `.repeat(100)),
    );
  });
});

describe('the start of a group', () => {
  test('AT_TIMESTAMP begins with the first record of that time, or at the end', async () => {
    await produce(service.topicOf('atTime'), [{ partition: 1, value: 'new' }]);
    const batches = await service.committedBatchesOf('atTime');
    expect(new Set(batches.flat())).toEqual(new Set(['after', 'at', 'new']));
  });

  test('LATEST begins at the end', async () => {
    await send('latest', 'new');
    const batches = await service.committedBatchesOf('latest');
    expect(batches).toEqual([['new']]);
  });
});

describe('filters', () => {
  test('records that no filter matches are committed and not delivered', async () => {
    await send('filtered', '{"device":"AB1"}', '{"device":"CD"}', 'text', '{"device":"AB2"}');
    await service.process.waitFor('two records arrive', async () =>
      (await service.batchesOf('filtered')).flat().length === 2 ? true : undefined,
    );
    await send('filtered', '{"device":"EF"}');
    const batches = await service.committedBatchesOf('filtered');
    expect(batches).toEqual([['{"device":"AB1"}', '{"device":"AB2"}']]);
  });
});

describe('a failure', () => {
  test('with ReportBatchItemFailures only what the function reports is invoked again, and all is committed', async () => {
    await send('reports', 'a', 'bad once', 'b', 'bad once too');
    expect(await service.committedBatchesOf('reports')).toEqual([
      ['a', 'bad once', 'b', 'bad once too'],
      ['bad once', 'bad once too'],
    ]);
  });

  test('that is reported without ReportBatchItemFailures has no effect', async () => {
    await send('ignored', 'a', 'bad');
    expect(await service.committedBatchesOf('ignored')).toEqual([['a', 'bad']]);
  });

  test('that is reported again and again is sent to the Kafka topic, with the key of its record', async () => {
    await send('reportsForever', 'a', 'bad', 'b');
    expect(await service.committedBatchesOf('reportsForever')).toEqual([
      ['a', 'bad', 'b'],
      ['bad'],
    ]);
    const [{ key, failure } = { key: '', failure: undefined }] = await failuresOf(
      'reportsForever',
      1,
    );
    expect(key).toBe('key of bad');
    expect(failure?.responseContext).toEqual({ statusCode: 200, executedVersion: '$LATEST' });
  });

  test('of one record is isolated by bisecting, and its record sent to the Kafka topic', async () => {
    await send('bisected', 'a', 'b', 'bad', 'c');
    expect(await service.committedBatchesOf('bisected')).toEqual([
      ['a', 'b', 'bad', 'c'],
      ['a', 'b'],
      ['bad', 'c'],
      ['bad'],
      ['c'],
    ]);
    const [{ key, failure } = { key: '', failure: undefined }] = await failuresOf('bisected', 1);
    const topic = service.topicOf('bisected');
    expect(key).toBe('key of bad');
    const invocation = (await service.eventsOf('bisected'))[3];
    expect(failure).toMatchObject({
      requestContext: {
        requestId: invocation?.requestId,
        functionArn: 'arn:aws:lambda:us-east-1:000000000000:function:test-dev-bisected:$LATEST',
        condition: 'RetriesExhausted',
        approximateInvokeCount: 3,
      },
      responseContext: {
        statusCode: 200,
        executedVersion: '$LATEST',
        functionError: 'Unhandled',
      },
      version: '1.0',
      KafkaBatchInfo: {
        batchSize: 1,
        bootstrapServers: stack.kafka.brokers.join(','),
        payloadSize: JSON.stringify(failure?.payload).length,
        recordInfo: { offset: '2' },
      },
      payload: {
        eventSource: 'aws:kafka',
        records: {
          [`${topic}-0`]: [{ topic, offset: 2, value: Buffer.from('bad').toString('base64') }],
        },
      },
    });
  });

  test('that lasts ends after MaximumRetryAttempts: the batch is stored in S3, the next one delivered', async () => {
    await send('stored', 'a', 'bad');
    const { key, failure } = await storedFailureOf('stored');
    await send('stored', 'b');
    expect(await service.committedBatchesOf('stored')).toEqual([['a', 'bad'], ['a', 'bad'], ['b']]);
    const topic = service.topicOf('stored');
    expect(key).toMatch(
      new RegExp(
        String.raw`^aws/lambda/test-stored-${topic}/${topic}-0/\d{4}/\d\d/\d\d/\d{4}-\d\d-\d\dT\d\d\.\d\d\.\d\d-[0-9a-f-]{36}$`,
      ),
    );
    expect(failure).toMatchObject({
      requestContext: {
        functionArn: 'arn:aws:lambda:us-east-1:000000000000:function:test-dev-stored',
        condition: 'RetryAttemptsExhausted',
        approximateInvokeCount: 2,
      },
      KafkaBatchInfo: {
        batchSize: 2,
        eventSourceArn: 'arn:aws:kafka:us-east-1:000000000000:cluster/test/1',
        recordsInfo: { [`${topic}-0`]: { firstRecordOffset: '0', lastRecordOffset: '1' } },
      },
    });
    expect(JSON.parse(z.string().parse(failure.payload))).toMatchObject({
      records: { [`${topic}-0`]: [{ offset: 0 }, { offset: 1 }] },
    });
  });

  test('for which the Kafka topic has no room is skipped, and the next record delivered', async () => {
    const long = `bad ${randomBytes(3_000).toString('hex')}`;
    await send('refused', long);
    await service.committedBatchesOf('refused');
    await send('refused', 'next');
    expect(await service.committedBatchesOf('refused')).toEqual([[long], ['next']]);
    await service.process.waitFor('the service says so', () =>
      /1 records \(RetryAttemptsExhausted\): refused/.test(service.process.output)
        ? true
        : undefined,
    );
  });

  test('records over MaximumRecordAgeInSeconds are sent to the destination and not delivered', async () => {
    const old = String(Date.now() - 2 * 3_600_000);
    await produce(service.topicOf('aged'), [
      { key: 'old', value: 'old', timestamp: old },
      { key: 'new', value: 'new' },
    ]);
    expect(await service.committedBatchesOf('aged')).toEqual([['new']]);
    const [{ key, failure } = { key: '', failure: undefined }] = await failuresOf('aged', 1);
    expect(key).toBe('old');
    expect(failure).toMatchObject({
      requestContext: { condition: 'RecordAgeExceeded', approximateInvokeCount: 0 },
      responseContext: null,
    });
  });

  test('a record for which no payload has room is sent to the destination and not delivered', async () => {
    await sendLarge('large');
    await send('large', 'next');
    expect(await service.committedBatchesOf('large')).toEqual([['next']]);
    const { failure } = await storedFailureOf('large');
    expect(failure).toMatchObject({
      requestContext: { condition: 'MaximumPayloadSizeExceeded', approximateInvokeCount: 0 },
      responseContext: null,
      KafkaBatchInfo: { batchSize: 1 },
    });
    expect(z.string().parse(failure.payload).length).toBeGreaterThan(6 * 1024 * 1024);
  });

  test('a record for which no payload has room is skipped if there is no destination', async () => {
    await sendLarge('dropped');
    await send('dropped', 'next');
    expect(await service.committedBatchesOf('dropped')).toEqual([['next']]);
    const line = `${service.topicOf('dropped')}-0@0: 1 records (MaximumPayloadSizeExceeded): skipped`;
    await service.process.waitFor('the service says so', () =>
      service.process.output.includes(line) ? true : undefined,
    );
  });
});

/** Sends a record of 5 MB, which has more than 6 MB as base64. */
async function sendLarge(name: string): Promise<void> {
  const kafka = new Kafka({ brokers: stack.kafka.brokers, logLevel: logLevel.NOTHING });
  const producer = kafka.producer();
  await producer.connect();
  await producer.send({
    topic: service.topicOf(name),
    compression: CompressionTypes.GZIP,
    messages: [{ partition: 0, value: Buffer.alloc(5_000_000, 'x') }],
  });
  await producer.disconnect();
}

test('a service with a setting that is not simulated does not start, and names it', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'streamsync-kafka-source-'));
  const kafka = {
    topic: 'orders',
    bootstrapServers: ['broker:9092'],
    accessConfigurations: { vpcSubnet: ['subnet-1'] },
    filterPatterns: [{ value: { device: [{ wildcard: '*' }] } }],
  };
  await writeService(directory, {
    custom: { offlineKafka: { brokers: stack.kafka.brokers.join(',') } },
    functions: { orders: { handler: 'handler.handler', events: [{ kafka }] } },
  });
  const output = await OfflineService.outputOf(directory);
  expect(output).toContain(`{"wildcard":"*"} is no rule of Lambda's filters`);
  expect(output).toContain('functions.orders.events[0].kafka.filterPatterns[0]');
  await rm(directory, { recursive: true });
});

test('each record is delivered although partitions move to another member of the group and back', async () => {
  const topic = service.topicOf('shared');
  const groupId = `test-shared-${topic}`;
  const sendRound = (round: number): Promise<void> =>
    produce(
      topic,
      [0, 1, 2, 3].map((partition) => ({ partition, value: `${round} of ${partition}` })),
    );
  await sendRound(1);
  await service.committedBatchesOf('shared');

  const kafka = new Kafka({ brokers: stack.kafka.brokers, logLevel: logLevel.NOTHING });
  const member = kafka.consumer({ groupId });
  const assigned = Promise.withResolvers<number[]>();
  member.on(member.events.GROUP_JOIN, ({ payload }) => {
    const partitions = payload.memberAssignment[topic] ?? [];
    if (partitions.length > 0) assigned.resolve(partitions);
  });
  await member.connect();
  await member.subscribe({ topics: [topic] });
  // It commits none: what it gets comes again when it has left.
  await member.run({ autoCommit: false, eachMessage: async () => {} });
  const partitions = await assigned.promise;
  expect(partitions.length).toBeLessThan(4);
  await sendRound(2);
  await service.process.waitFor('the other partitions are delivered', async () => {
    const values = (await service.batchesOf('shared')).flat();
    const others = [0, 1, 2, 3].filter((partition) => !partitions.includes(partition));
    return others.every((partition) => values.includes(`2 of ${partition}`)) || undefined;
  });
  const values = (await service.batchesOf('shared')).flat();
  for (const partition of partitions) expect(values).not.toContain(`2 of ${partition}`);
  await member.disconnect();
  const all = (await service.committedBatchesOf('shared')).flat();
  const expected = [1, 2].flatMap((round) => [0, 1, 2, 3].map((it) => `${round} of ${it}`));
  expect(new Set(all)).toEqual(new Set(expected));
});
