import { randomUUID } from 'node:crypto';
import kafkajs, { type Consumer, type Producer } from 'kafkajs';
import type { z } from 'zod';
import { registerCodecs } from '../../infra/offline/codecs.ts';
import { readHeadersLinearly } from '../../infra/offline/linear-headers.ts';
import type { exportRejectedSchema, exportResultSchema } from '../../lib/contracts/events.ts';
import { stopIdlePolling } from '../../lib/messaging/kafkajs-patch.ts';
import { assertDocumentedEvent } from './openapi-assertions.ts';
import { stack } from './stack.ts';
import { waitFor } from './wait-for.ts';

process.env.KAFKAJS_NO_PARTITIONER_WARNING = '1';
stopIdlePolling();
readHeadersLinearly();
// Some suites leave records of all codecs in the topics that others read.
registerCodecs();
const { Kafka, logLevel } = kafkajs;

/** Returns a Kafka client of an external system, which knows only the topics. */
const clientOf = (brokers: string[]) =>
  new Kafka({ clientId: 'another-system', brokers, logLevel: logLevel.NOTHING });
const kafka = clientOf(stack.kafka.brokers);

interface SeenMessage {
  partition: number;
  offset: string;
  key: Buffer | null;
  value: Buffer | null;
  headers: Record<string, string>;
}

export interface Topic {
  messages: SeenMessage[];
  close: () => Promise<void>;
}

/** Reads a topic into `messages` from its beginning. `brokers` names another stack's. */
export async function consume(topic: string, brokers?: string[]): Promise<Topic> {
  const client = brokers ? clientOf(brokers) : kafka;
  // Closing waits for the answer to the last fetch request, usually five seconds.
  const groupId = `test-${randomUUID()}`;
  const consumer: Consumer = client.consumer({ groupId, maxWaitTimeInMs: 200 });
  const messages: SeenMessage[] = [];
  // Without this a reader that stops for good looks like a record that never arrives.
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    if (!payload.restart) console.error(`a test no longer reads ${topic}`, payload.error);
  });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ partition, message }) => {
      messages.push({
        partition,
        offset: message.offset,
        key: message.key,
        value: message.value,
        headers: Object.fromEntries(
          Object.entries(message.headers ?? {}).map(([name, value]) => [name, String(value)]),
        ),
      });
    },
  });
  return { messages, close: () => consumer.disconnect() };
}

/** Sends messages to a topic in order, then disconnects. */
export async function produce(
  topic: string,
  messages: {
    value: Buffer | string | null;
    key?: string;
    partition?: number;
    headers?: Record<string, Buffer | string>;
    /** Milliseconds since 1970. */
    timestamp?: string;
  }[],
): Promise<void> {
  const producer: Producer = kafka.producer();
  await producer.connect();
  try {
    await producer.send({
      topic,
      messages: messages.map((message) => ({ key: null, ...message })),
    });
  } finally {
    await producer.disconnect();
  }
}

/** Returns a partition that received no message in the last two minutes, or undefined if there is no such partition. */
export async function idlePartition(topic: string): Promise<number | undefined> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    const young = await admin.fetchTopicOffsetsByTimestamp(topic, Date.now() - 120_000);
    const ends = await admin.fetchTopicOffsets(topic);
    return ends.find(({ partition, high }) =>
      young.some((it) => it.partition === partition && it.offset === high),
    )?.partition;
  } finally {
    await admin.disconnect();
  }
}

export const requested = (data: unknown, id: string = randomUUID()) => ({
  specversion: '1.0',
  id,
  source: '/tests',
  type: 'streamsync.export.requested.v1',
  data,
});

/** Returns the same event in the binary mode of the CloudEvents Kafka binding. */
export function inBinaryMode(event: Record<string, unknown>) {
  const { data, datacontenttype = 'application/json', ...attributes } = event;
  const headers = Object.entries(attributes).map(([name, value]) => [`ce_${name}`, String(value)]);
  return {
    value: data === undefined ? null : JSON.stringify(data),
    headers: { ...Object.fromEntries(headers), 'content-type': String(datacontenttype) },
  };
}

type Result = z.infer<typeof exportResultSchema> | z.infer<typeof exportRejectedSchema>;

/** Waits for the first result event with this outcome for a request event. */
export const resultOf = (topic: Topic, requestId: string, outcome: string): Promise<Result> =>
  waitFor(`${outcome} for ${requestId}`, async () => resultsOf(topic, requestId, outcome)[0], {
    seconds: 60,
  });

const assertedMessages = new WeakSet<SeenMessage>();

/**
 * Returns the result events with this outcome for a request. Throws if AsyncAPI does not document a result event,
 * whatever its request.
 */
export function resultsOf(topic: Topic, requestId: string, outcome: string): Result[] {
  return topic.messages.flatMap((message) => {
    const text = String(message.value);
    if (!assertedMessages.has(message)) assertDocumentedEvent(text);
    assertedMessages.add(message);
    const event: Result = JSON.parse(text);
    const isIt = event.type === `streamsync.export.${outcome}.v1`;
    return isIt && event.data.requestId === requestId ? [event] : [];
  });
}
