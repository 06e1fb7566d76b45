import kafkajs, {
  type Admin,
  type Kafka as KafkaClient,
  type Message,
  type Producer,
} from 'kafkajs';
import { config } from '../runtime/config.ts';
import { logger } from '../runtime/logger.ts';
import { stopIdlePolling } from './request-queue.ts';
import { topics } from './topics.ts';

/** The only file of the domain that knows kafkajs. */
const { Kafka, logLevel } = kafkajs;

// kafkajs announces a change of partitioner that was made years ago; nothing here relies on the old one.
process.env.KAFKAJS_NO_PARTITIONER_WARNING = '1';
stopIdlePolling();

export interface OutgoingMessage {
  topic: string;
  /** Explicit, or chosen by the key. */
  partition: number | null;
  key: Buffer | null;
  value: Buffer | null;
  headers: { key: string; value: Buffer }[];
}

let client: KafkaClient | undefined;

function kafka(): KafkaClient {
  client ??= new Kafka({
    clientId: 'streamsync',
    brokers: config().brokers,
    connectionTimeout: 2_000,
    requestTimeout: 5_000,
    retry: { retries: 2, initialRetryTime: 100, maxRetryTime: 1_000 },
    logLevel: logLevel.ERROR,
    logCreator: () => (entry) => {
      logger.warn('kafka client', { text: entry.log.message });
    },
  });
  return client;
}

let connecting: Promise<Producer> | undefined;

/** The one producer of this process, connected at the first call; after a failure the next call tries again. */
function producer(): Promise<Producer> {
  connecting ??= (async () => {
    const made = kafka().producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
    });
    await made.connect();
    return made;
  })().catch((error: unknown) => {
    connecting = undefined;
    throw error;
  });
  return connecting;
}

/** Sends messages in the order given, acknowledged by all replicas, or throws. */
export async function send(messages: readonly OutgoingMessage[]): Promise<void> {
  const byTopic = new Map<string, Message[]>();
  for (const { topic, partition, key, value, headers } of messages) {
    const list = byTopic.get(topic) ?? [];
    list.push({
      key,
      value,
      headers: Object.fromEntries(headers.map((header) => [header.key, header.value])),
      ...(partition === null ? {} : { partition }),
    });
    byTopic.set(topic, list);
  }
  const made = await producer();
  try {
    await made.sendBatch({
      acks: -1,
      timeout: 5_000,
      topicMessages: [...byTopic].map(([topic, list]) => ({ topic, messages: list })),
    });
  } catch (error) {
    // An idempotent producer that lost its sequence numbers does not recover: the next send gets a new one.
    connecting = undefined;
    void made.disconnect().catch(() => undefined);
    throw error;
  }
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
