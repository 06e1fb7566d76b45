import kafkajs, { type Admin, type Kafka as KafkaClient, type Producer } from 'kafkajs';
import { type KafkaSettings, kafkaSettings } from '../runtime/config.ts';
import { logger } from '../runtime/logger.ts';
import { withTimeout } from '../runtime/timeout.ts';
import { securityOptions } from './client-security.ts';
import { stopIdlePolling } from './kafkajs-patch.ts';
import { headersByName, type MessageParts } from './message-headers.ts';
import { type TopicReader, withTopicReader } from './read-topic.ts';
import { topicIdOf } from './topic-id.ts';
import { partitionsOf, type TopicSettings, topics } from './topics.ts';

/** The only file of the domain that knows kafkajs. */
const { Kafka, KafkaJSProtocolError, Partitioners, logLevel } = kafkajs;

// kafkajs warns about its change of the default partitioner; nothing here relies on the old one.
process.env.KAFKAJS_NO_PARTITIONER_WARNING = '1';
stopIdlePolling();

let client: KafkaClient | undefined;

function kafka(): KafkaClient {
  client ??= newClient(kafkaSettings());
  return client;
}

const newClient = ({ brokers, security, region }: KafkaSettings): KafkaClient =>
  new Kafka({
    clientId: 'streamsync',
    brokers,
    ...securityOptions(security, region),
    connectionTimeout: 2_000,
    requestTimeout: 5_000,
    // A send is retried only here; if that fails, the messages stay in the outbox.
    retry: { retries: 2, initialRetryTime: 100, maxRetryTime: 1_000 },
    logLevel: logLevel.ERROR,
    logCreator: () => (entry) => {
      logger.warn('kafka client', { text: entry.log.message });
    },
  });

/**
 * Messages for the workers, and readings of callers, have their own producers and connections: a broker answers the
 * requests of a connection in turn, and an error of one producer must not end the others.
 */
export type ProducerName = 'work' | 'others' | 'readings';

const producers = new Map<ProducerName, Promise<Producer>>();

/** How long the outbox waits for Kafka: less than the 10 s that a transaction of the catalogue may be idle. */
const timeoutMs = 8_000;
const timeoutMessage = `Kafka did not answer within ${timeoutMs} ms`;

/** Connects a producer, once in this process. Throws if Kafka does not answer; the next call connects again. */
export async function connectProducer(producerName: ProducerName): Promise<Producer> {
  const known = producers.get(producerName);
  if (known) return known;
  const producer = kafka().producer({
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
  });
  const connecting = withTimeout(producer.connect(), timeoutMs, timeoutMessage).then(
    () => producer,
  );
  producers.set(producerName, connecting);
  try {
    return await connecting;
  } catch (error) {
    dropProducer(producerName, connecting, producer);
    throw error;
  }
}

function dropProducer(
  producerName: ProducerName,
  connecting: Promise<Producer>,
  producer: Producer,
): void {
  if (producers.get(producerName) === connecting) producers.delete(producerName);
  void producer.disconnect().catch(() => undefined);
}

/** Kafka rejected the messages themselves: sending them again would fail again. */
export class MessageRejectedError extends Error {}

/** The codes of `MessageRejectedError`. All others concern the broker or rights and may be temporary. */
const rejectionCodes = ['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE', 'INVALID_RECORD'];

/**
 * Sends messages to one partition (null: the partitions chosen by their keys) in the given order. Returns when
 * all replicas have them. Throws `MessageRejectedError` if the messages are the cause, else the error of the
 * client.
 *
 * One partition a call: if one partition of a request fails, kafkajs rolls back the sequence numbers of all of
 * them. The next messages to a partition that had succeeded would reuse its numbers, and the broker would drop
 * them as duplicates.
 */
export async function send(
  producerName: ProducerName,
  topic: string,
  partition: number | null,
  messages: readonly MessageParts[],
): Promise<void> {
  const producer = await connectProducer(producerName);
  const connecting = producers.get(producerName);
  try {
    const stored = await withTimeout(
      producer.send({
        topic,
        acks: -1,
        timeout: 5_000,
        messages: messages.map(({ key, value, headers }) => ({
          key,
          value,
          headers: headersByName(headers),
          ...(partition === null ? {} : { partition }),
        })),
      }),
      timeoutMs,
      timeoutMessage,
    );
    // kafkajs silently skips a partition that it does not find.
    if (stored.length === 0) throw new Error(`${topic} has no partition ${partition}`);
  } catch (error) {
    if (error instanceof KafkaJSProtocolError && rejectionCodes.includes(error.type))
      throw new MessageRejectedError(`${error.type}: ${error.message}`, { cause: error });
    // An idempotent producer that lost its sequence numbers does not recover: the next send creates a new one.
    if (connecting) dropProducer(producerName, connecting, producer);
    throw error;
  }
}

/** Disconnects the producers of a process that goes on without Kafka. The next send connects again. */
export async function disconnectProducers(): Promise<void> {
  const all = [...producers.values()];
  producers.clear();
  for (const connecting of all) await (await connecting.catch(() => undefined))?.disconnect();
}

const byKey = Partitioners.DefaultPartitioner();

/**
 * Returns the partition of a key, as every client of Kafka chooses it. Returns null if the topic is not one
 * of `topics`, or has several partitions and the key is null.
 */
export function partitionOf(topic: string, key: Buffer | null): number | null {
  const count = partitionsOf(topic);
  if (count === 1) return 0;
  if (key === null || count === 0) return null;
  const partitionMetadata = Array.from({ length: count }, (_, partitionId) => ({
    partitionErrorCode: 0,
    partitionId,
    leader: 0,
    replicas: [],
    isr: [],
  }));
  return byKey({ topic, partitionMetadata, message: { key, value: null } });
}

/** Runs `work` with an admin client. Throws if the brokers do not answer. */
export async function kafkaAdmin<T>(
  work: (admin: Admin) => Promise<T>,
  retries?: number,
): Promise<T> {
  const admin = kafka().admin(retries === undefined ? {} : { retry: { retries } });
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

/**
 * Returns the id of a topic, which a topic of the same name that was deleted did not have; null if there is no such
 * topic. Throws if the brokers do not answer in time.
 */
export const fetchTopicId = (topic: string): Promise<string | null> =>
  withTimeout(topicIdOf(kafka(), topic), timeoutMs, timeoutMessage);

/** Calls `work` with a reader of topics. Throws if the brokers do not answer in time. */
export const readTopics = <T>(work: (reader: TopicReader) => Promise<T>): Promise<T> =>
  withTimeout(withTopicReader(kafka(), work), timeoutMs, timeoutMessage);

/** Creates the topics that are missing: ours and `others`. */
export async function createTopics(others: readonly TopicSettings[] = []): Promise<void> {
  await kafkaAdmin(async (admin) => {
    const present = new Set(await admin.listTopics());
    const missing = [...Object.values(topics), ...others].filter(({ name }) => !present.has(name));
    await admin.createTopics({
      waitForLeaders: true,
      topics: missing.map(({ name, partitions }) => ({ topic: name, numPartitions: partitions })),
    });
  });
}
