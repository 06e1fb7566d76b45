import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import kafkajs from 'kafkajs';
import { registerCodecs } from '../../infra/offline/codecs.ts';
import { produce } from '../support/events.ts';
import { KafkaSourceService, provisioned, writeService } from '../support/kafka-source/service.ts';
import { OfflineService } from '../support/offline-service.ts';
import { stack } from '../support/stack.ts';

const { Kafka, CompressionTypes, logLevel } = kafkajs;

/** In seconds; the broker keeps the records of a week. */
const eventTime = Math.floor(Date.now() / 1000) - 3_600;

let service: KafkaSourceService;

/** By partition. */
const sentToAll = [0, 1, 2].map((partition) =>
  ['first', 'second'].map((it) => `${it} of ${partition}`),
);

/** Sends two records to each partition of a topic with three. */
const sendToAll = (name: string): Promise<void> =>
  produce(
    service.topicOf(name),
    sentToAll.flatMap((values, partition) => values.map((value) => ({ partition, value }))),
  );

const textsByPartition = (records: readonly { partition: number; text: string | null }[]) =>
  sentToAll.map((_, partition) =>
    records.filter((record) => record.partition === partition).map(({ text }) => text),
  );

beforeAll(async () => {
  service = await KafkaSourceService.start(
    () => ({
      plain: {},
      filtered: { event: { filterPatterns: [{ value: { device: [{ prefix: 'AB' }] } }] } },
      atTime: {
        partitions: 2,
        event: { startingPosition: 'AT_TIMESTAMP', startingPositionTimestamp: eventTime },
      },
      latest: { event: { startingPosition: 'LATEST' } },
      selfManaged: { isSelfManaged: true, event: provisioned },
      compressed: {},
      mixed: { partitions: 3, event: { maximumBatchingWindow: 5 } },
      divided: {
        partitions: 3,
        event: { provisionedPollerConfig: { minimumPollers: 3, maximumPollers: 3 } },
      },
      shared: { partitions: 4 },
    }),
    {},
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
});

afterAll(() => service[Symbol.asyncDispose]());

describe('the event', () => {
  test('has the records of a partition in order, which are committed then', async () => {
    await service.send('plain', 'a', 'b', 'c');
    expect(await service.committedBatchesOf('plain')).toEqual([['a', 'b', 'c']]);
    const [event] = await service.eventsOf('plain');
    expect(event).toMatchObject({
      eventSource: 'aws:kafka',
      eventSourceArn: 'arn:aws:kafka:us-east-1:000000000000:cluster/test/1',
      bootstrapServers: stack.kafka.brokers.join(','),
    });
  });

  test('may have records of several partitions, each in order, which are all committed then', async () => {
    await sendToAll('mixed');
    await service.committedBatchesOf('mixed');
    const events = await service.eventsOf('mixed');
    const [first] = events;
    expect(new Set(first?.records.map(({ partition }) => partition)).size).toBeGreaterThan(1);
    expect(textsByPartition(events.flatMap(({ records }) => records))).toEqual(sentToAll);
  });

  test('has one partition if there is a poller for each', async () => {
    await sendToAll('divided');
    await service.committedBatchesOf('divided');
    const events = await service.eventsOf('divided');
    for (const { records } of events)
      expect(new Set(records.map(({ partition }) => partition)).size).toBe(1);
    expect(textsByPartition(events.flatMap(({ records }) => records))).toEqual(sentToAll);
  });

  test('of self-managed Kafka names its source and has no ARN', async () => {
    await service.send('selfManaged', 'a');
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
    await service.send('latest', 'new');
    const batches = await service.committedBatchesOf('latest');
    expect(batches).toEqual([['new']]);
  });
});

describe('filters', () => {
  test('records that no filter matches are committed and not delivered', async () => {
    await service.send(
      'filtered',
      '{"device":"AB1"}',
      '{"device":"CD"}',
      'text',
      '{"device":"AB2"}',
    );
    await service.process.waitFor('two records arrive', async () =>
      (await service.batchesOf('filtered')).flat().length === 2 ? true : undefined,
    );
    await service.send('filtered', '{"device":"EF"}');
    const batches = await service.committedBatchesOf('filtered');
    expect(batches).toEqual([['{"device":"AB1"}', '{"device":"AB2"}']]);
  });
});

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
