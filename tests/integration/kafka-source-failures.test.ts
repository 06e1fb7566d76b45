import { randomBytes, randomUUID } from 'node:crypto';
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import kafkajs from 'kafkajs';
import { z } from 'zod';
import { consume, produce, type Topic } from '../support/events.ts';
import { KafkaSourceService, provisioned } from '../support/kafka-source/service.ts';
import { stack } from '../support/stack.ts';
import { storageClient } from '../support/storage.ts';

const { Kafka, CompressionTypes, logLevel } = kafkajs;

const bucket = `kafka-source-${randomUUID()}`;
const s3 = storageClient();
const toBucket = { DestinationConfig: { OnFailure: { Destination: `arn:aws:s3:::${bucket}` } } };

const failureSchema = z.looseObject({
  requestContext: z.looseObject({ requestId: z.string() }),
  payload: z.unknown(),
});

let service: KafkaSourceService;
let failed: Topic;

beforeAll(async () => {
  await s3.send(new CreateBucketCommand({ Bucket: bucket }));
  service = await KafkaSourceService.start(
    ({ failed: failedTopic, tiny }) => {
      const toKafka = (topic: string) => ({
        DestinationConfig: { OnFailure: { Destination: `kafka://${topic}` } },
      });
      const toTopic = toKafka(failedTopic);
      return {
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
        mixedReports: {
          partitions: 2,
          event: { ...provisioned, batchSize: 6, maximumBatchingWindow: 60 },
          properties: { FunctionResponseTypes: ['ReportBatchItemFailures'] },
          environment: { MODE: 'report' },
        },
        mixedStored: {
          partitions: 2,
          event: { ...provisioned, batchSize: 4, maximumBatchingWindow: 60 },
          properties: { MaximumRetryAttempts: 0, ...toBucket },
        },
        large: { properties: toBucket },
        dropped: {},
      };
    },
    { s3Endpoint: stack.s3.endpoint },
  );
  failed = await consume(service.topicOf('failed'));
});

afterAll(async () => {
  await failed.close();
  await service[Symbol.asyncDispose]();
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket }));
  for (const { Key } of Contents) await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key }));
  await s3.send(new DeleteBucketCommand({ Bucket: bucket }));
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

/** Sends values to each partition of the topic of a function. */
const sendTo = (name: string, partitions: readonly string[][]): Promise<void> =>
  produce(
    service.topicOf(name),
    partitions.flatMap((values, partition) => values.map((value) => ({ partition, value }))),
  );

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

describe('a failure', () => {
  test('with ReportBatchItemFailures only what the function reports is invoked again, and all is committed', async () => {
    await service.send('reports', 'a', 'bad once', 'b', 'bad once too');
    expect(await service.committedBatchesOf('reports')).toEqual([
      ['a', 'bad once', 'b', 'bad once too'],
      ['bad once', 'bad once too'],
    ]);
  });

  test('in two partitions is reported with the partition of each record', async () => {
    const partitions = [
      ['a', 'bad once', 'b'],
      ['c', 'd', 'bad once too'],
    ];
    await sendTo('mixedReports', partitions);
    await service.committedBatchesOf('mixedReports');
    const events = await service.eventsOf('mixedReports');
    const valuesOf = (number: number) =>
      events.map(({ records }) =>
        records.filter(({ partition }) => partition === number).map(({ text }) => text),
      );
    expect([valuesOf(0), valuesOf(1)]).toEqual([
      [partitions[0], ['bad once']],
      [partitions[1], ['bad once too']],
    ]);
  });

  test('of a batch of two partitions is stored with the offsets of both', async () => {
    await sendTo('mixedStored', [['a', 'b', 'bad'], ['c']]);
    const { failure } = await storedFailureOf('mixedStored');
    await service.committedBatchesOf('mixedStored');
    const topic = service.topicOf('mixedStored');
    expect(failure).toMatchObject({
      KafkaBatchInfo: {
        batchSize: 4,
        recordsInfo: {
          [`${topic}-0`]: { firstRecordOffset: '0', lastRecordOffset: '2' },
          [`${topic}-1`]: { firstRecordOffset: '0', lastRecordOffset: '0' },
        },
      },
    });
    expect(JSON.parse(z.string().parse(failure.payload))).toMatchObject({
      records: {
        [`${topic}-0`]: [{ offset: 0 }, { offset: 1 }, { offset: 2 }],
        [`${topic}-1`]: [{ offset: 0 }],
      },
    });
  });

  test('that is reported without ReportBatchItemFailures has no effect', async () => {
    await service.send('ignored', 'a', 'bad');
    expect(await service.committedBatchesOf('ignored')).toEqual([['a', 'bad']]);
  });

  test('that is reported again and again is sent to the Kafka topic, with the key of its record', async () => {
    await service.send('reportsForever', 'a', 'bad', 'b');
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
    await service.send('bisected', 'a', 'b', 'bad', 'c');
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
    await service.send('stored', 'a', 'bad');
    const { key, failure } = await storedFailureOf('stored');
    await service.send('stored', 'b');
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
    await service.send('refused', long);
    await service.committedBatchesOf('refused');
    await service.send('refused', 'next');
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
    await service.send('large', 'next');
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
    await service.send('dropped', 'next');
    expect(await service.committedBatchesOf('dropped')).toEqual([['next']]);
    const line = `${service.topicOf('dropped')}-0@0: 1 records (MaximumPayloadSizeExceeded): skipped`;
    await service.process.waitFor('the service says so', () =>
      service.process.output.includes(line) ? true : undefined,
    );
  });
});
