import kafkajs, { type Admin, type Kafka as KafkaClient, type Producer } from 'kafkajs';
import { config } from '../runtime/config.ts';
import { logger } from '../runtime/logger.ts';
import { headersByName, type MessageParts } from './header.ts';
import { stopIdlePolling } from './request-queue.ts';
import { partitionsOf, topics } from './topics.ts';

/** The only file of the domain that knows kafkajs. */
const { Kafka, KafkaJSProtocolError, Partitioners, logLevel } = kafkajs;

// kafkajs announces a change of partitioner that was made years ago; nothing here relies on the old one.
process.env.KAFKAJS_NO_PARTITIONER_WARNING = '1';
stopIdlePolling();

let client: KafkaClient | undefined;

function kafka(): KafkaClient {
  client ??= new Kafka({
    clientId: 'streamsync',
    brokers: config().brokers,
    connectionTimeout: 2_000,
    requestTimeout: 5_000,
    // The one place where a send is tried again; then the messages stay in the outbox.
    retry: { retries: 2, initialRetryTime: 100, maxRetryTime: 1_000 },
    logLevel: logLevel.ERROR,
    logCreator: () => (entry) => {
      logger.warn('kafka client', { text: entry.log.message });
    },
  });
  return client;
}

/**
 * Work for the workers has a producer of its own, with connections of its own: a broker answers the
 * requests of a connection in turn, and an error of one producer must not end the other.
 */
export type Line = 'work' | 'others';

const producers = new Map<Line, Promise<Producer>>();

/** How long the outbox waits for Kafka, below the 10 s that a transaction of the catalogue may idle. */
const patienceMilliseconds = 8_000;

/** Connects the producer of a line, once in this process. Throws if Kafka does not answer; the next call tries again. */
export async function connectProducer(line: Line): Promise<Producer> {
  const known = producers.get(line);
  if (known) return known;
  const made = kafka().producer({
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
  });
  const connecting = within(patienceMilliseconds, made.connect()).then(() => made);
  producers.set(line, connecting);
  try {
    return await connecting;
  } catch (error) {
    forget(line, connecting, made);
    throw error;
  }
}

function forget(line: Line, connecting: Promise<Producer>, made: Producer): void {
  if (producers.get(line) === connecting) producers.delete(line);
  void made.disconnect().catch(() => undefined);
}

/** Kafka says no to the messages themselves: the same ones again would be refused again. */
export class NotTaken extends Error {}

/** Codes by which it does. Others are about the broker or about rights, and may pass. */
const ofTheMessages = ['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE', 'INVALID_RECORD'];

/**
 * Sends messages to one partition (null: to those that the keys choose) in the order given. Returns when
 * all replicas have them; throws `NotTaken`, of which the messages are the cause, or whatever keeps Kafka
 * from taking them now.
 *
 * One partition a call: kafkajs fails a request as a whole and takes back the sequence numbers of all its
 * partitions, of those that were stored, too, with the same numbers as the next messages, which the
 * broker would then drop as repeats.
 */
export async function send(
  line: Line,
  topic: string,
  partition: number | null,
  messages: readonly MessageParts[],
): Promise<void> {
  const made = await connectProducer(line);
  const connecting = producers.get(line);
  try {
    const stored = await within(
      patienceMilliseconds,
      made.send({
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
    );
    // kafkajs sends nothing to a partition that it does not find, and does not say so.
    if (stored.length === 0) throw new Error(`${topic} has no partition ${partition}`);
  } catch (error) {
    if (error instanceof KafkaJSProtocolError && ofTheMessages.includes(error.type))
      throw new NotTaken(`${error.type}: ${error.message}`, { cause: error });
    // An idempotent producer that lost its sequence numbers does not recover: the next send gets a new one.
    if (connecting) forget(line, connecting, made);
    throw error;
  }
}

/** For a process that goes on without it; the next send connects anew. */
export async function disconnectProducers(): Promise<void> {
  const all = [...producers.values()];
  producers.clear();
  for (const connecting of all) await (await connecting.catch(() => undefined))?.disconnect();
}

async function within<T>(milliseconds: number, work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error(`Kafka did not answer within ${milliseconds} ms`)),
    milliseconds,
  );
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

const byKey = Partitioners.DefaultPartitioner();

/**
 * Returns the partition of a topic of ours that a key belongs to, as every client of Kafka would choose
 * it, or null where there is no key to choose by.
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

/** Runs `work` with a client for what is no message. Throws if the brokers do not answer. */
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

/** Creates the topics that are missing. */
export const createTopics = (): Promise<void> =>
  kafkaAdmin(async (admin) => {
    const present = new Set(await admin.listTopics());
    const missing = Object.values(topics).filter(({ name }) => !present.has(name));
    await admin.createTopics({
      waitForLeaders: true,
      topics: missing.map(({ name, partitions }) => ({ topic: name, numPartitions: partitions })),
    });
  });
