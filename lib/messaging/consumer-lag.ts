import { kafkaAdmin } from './kafka.ts';

/** A consumer group of StreamSync and a topic that it reads. */
export interface Consumer {
  groupId: string;
  topic: string;
  /** A message of this age should have been processed. */
  staleAfterSeconds: number;
}

export interface ConsumerLag {
  groupId: string;
  topic: string;
  /** Whether the group has members, or one is joining. */
  hasMembers: boolean;
  /** Messages without a committed offset; those in progress count. */
  messages: number;
  /** How many of them are older than `staleAfterSeconds`. */
  staleMessages: number;
}

/**
 * Returns the lag of each consumer, in their order. A topic that does not exist has no lag and is left out. Throws if
 * the brokers do not answer.
 */
export async function measureConsumers(consumers: readonly Consumer[]): Promise<ConsumerLag[]> {
  return kafkaAdmin(async (admin) => {
    const present = new Set(await admin.listTopics());
    return Promise.all(
      consumers
        .filter(({ topic }) => present.has(topic))
        .map((consumer) => measureConsumer(admin, consumer)),
    );
  }, 0);
}

type Admin = Parameters<Parameters<typeof kafkaAdmin>[0]>[0];

async function measureConsumer(
  admin: Admin,
  { groupId, topic, staleAfterSeconds }: Consumer,
): Promise<ConsumerLag> {
  const [{ groups }, committed, ends, staleUpTo] = await Promise.all([
    admin.describeGroups([groupId]),
    admin.fetchOffsets({ groupId, topics: [topic] }),
    admin.fetchTopicOffsets(topic),
    admin.fetchTopicOffsetsByTimestamp(topic, Date.now() - staleAfterSeconds * 1_000),
  ]);
  const committedOffsets = new Map(
    committed.flatMap(({ partitions }) =>
      partitions.map(({ partition, offset }) => [partition, Number(offset)]),
    ),
  );
  // An offset of -1: the group has committed none yet. It will start at the oldest message.
  const firstOffsets = new Map(
    ends.map(({ partition, low }) => [
      partition,
      Math.max(committedOffsets.get(partition) ?? -1, Number(low)),
    ]),
  );
  const lagUpTo = (upTo: readonly { partition: number; offset: string }[]): number =>
    upTo.reduce(
      (sum, { partition, offset }) =>
        sum + Math.max(0, Number(offset) - (firstOffsets.get(partition) ?? 0)),
      0,
    );
  const state = groups[0]?.state;
  return {
    groupId,
    topic,
    hasMembers: state !== 'Empty' && state !== 'Dead',
    messages: lagUpTo(ends.map(({ partition, high }) => ({ partition, offset: high }))),
    staleMessages: lagUpTo(staleUpTo),
  };
}
