import { randomUUID } from 'node:crypto';
import kafkajs from 'kafkajs';
import { stack } from './stack.ts';
import { waitFor } from './wait-for.ts';

const { Kafka, ConfigResourceTypes, logLevel } = kafkajs;

/** Runs `use` with the Kafka client of an operator. */
export async function withAdmin<T>(use: (admin: kafkajs.Admin) => Promise<T>): Promise<T> {
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

/** Creates a topic for a test and returns its name. */
export async function createTopic(
  partitions: number,
  maxMessageBytes?: number,
  topic = `test-${randomUUID()}`,
): Promise<string> {
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

export const topicNames = (): Promise<string[]> => withAdmin((admin) => admin.listTopics());

export const deleteTopics = (topics: string[]): Promise<void> =>
  withAdmin((admin) => admin.deleteTopics({ topics }));

/** Deletes a topic and creates one of the same name. The broker needs a moment for the first. */
export async function recreateTopic(topic: string, partitions: number): Promise<void> {
  await deleteTopics([topic]);
  await withAdmin((admin) =>
    waitFor('the topic is deleted', async () =>
      (await admin.listTopics()).includes(topic) ? undefined : true,
    ),
  );
  await waitFor('the topic is created again', () =>
    createTopic(partitions, undefined, topic).catch((error: unknown) =>
      /already exists/.test(String(error)) ? topic : undefined,
    ),
  );
}

/** Returns the number of messages that a topic ever had; retention has deleted none yet. */
export async function countMessages(topic: string): Promise<number> {
  const offsets = await withAdmin((admin) => admin.fetchTopicOffsets(topic));
  return offsets.reduce((sum, { offset }) => sum + Number(offset), 0);
}

/** Sets the maximum size in bytes of a batch of a topic; undefined restores the broker's limit. */
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
