import { randomUUID } from 'node:crypto';
import kafkajs from 'kafkajs';
import { stack } from './stack.ts';

const { Kafka, ConfigResourceTypes, logLevel } = kafkajs;

async function withAdmin<T>(use: (admin: kafkajs.Admin) => Promise<T>): Promise<T> {
  const kafka = new Kafka({
    clientId: 'an-operator',
    brokers: stack.kafka.brokers,
    logLevel: logLevel.NOTHING,
  });
  const admin = kafka.admin();
  await admin.connect();
  try {
    return await use(admin);
  } finally {
    await admin.disconnect();
  }
}

/** Makes a topic of the test's own, and returns its name. */
export async function createTopic(partitions: number, maxMessageBytes?: number): Promise<string> {
  const topic = `test-${randomUUID()}`;
  const configEntries =
    maxMessageBytes === undefined
      ? []
      : [{ name: 'max.message.bytes', value: String(maxMessageBytes) }];
  await withAdmin((admin) =>
    admin.createTopics({
      waitForLeaders: true,
      topics: [{ topic, numPartitions: partitions, configEntries }],
    }),
  );
  return topic;
}

export const deleteTopics = (topics: string[]): Promise<void> =>
  withAdmin((admin) => admin.deleteTopics({ topics }));

/** How many messages a topic has, all that ever were: none has been cleared away yet. */
export async function countMessages(topic: string): Promise<number> {
  const offsets = await withAdmin((admin) => admin.fetchTopicOffsets(topic));
  return offsets.reduce((sum, { offset }) => sum + Number(offset), 0);
}

/** What a topic takes at most in a batch; undefined: what the broker takes. */
export const limitMessages = (topic: string, bytes: number | undefined): Promise<unknown> =>
  withAdmin((admin) =>
    admin.alterConfigs({
      validateOnly: false,
      resources: [
        {
          type: ConfigResourceTypes.TOPIC,
          name: topic,
          configEntries:
            bytes === undefined ? [] : [{ name: 'max.message.bytes', value: String(bytes) }],
        },
      ],
    }),
  );
