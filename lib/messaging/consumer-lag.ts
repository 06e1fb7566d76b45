import { kafkaAdmin } from './kafka.ts';
import { topics } from './topics.ts';

/** The consumers of ours, as serverless.yml names their groups. */
const consumers = [
  { groupId: 'streamsync-accept-export-request', topic: topics.requested.name },
  { groupId: 'streamsync-export-worker', topic: topics.work.name },
] as const;

type Consumed = (typeof consumers)[number]['topic'];

export interface ConsumerLag {
  groupId: string;
  topic: string;
  /** Whether anybody reads it, or is about to. */
  hasMembers: boolean;
  /** Messages that were not worked off: those that are being worked at count. */
  messages: number;
  /** How many of them are older than they should be. */
  staleMessages: number;
}

/** How far each consumer is behind. `staleAfterSeconds` by topic. Throws if the brokers do not answer. */
export async function measureConsumers(
  staleAfterSeconds: Record<Consumed, number>,
): Promise<ConsumerLag[]> {
  return kafkaAdmin(
    (admin) =>
      Promise.all(
        consumers.map((consumer) =>
          measureConsumer(admin, consumer, staleAfterSeconds[consumer.topic]),
        ),
      ),
    0,
  );
}

type Admin = Parameters<Parameters<typeof kafkaAdmin>[0]>[0];

async function measureConsumer(
  admin: Admin,
  { groupId, topic }: { groupId: string; topic: string },
  staleAfterSeconds: number,
): Promise<ConsumerLag> {
  const [described, committed, ends, fresh] = await Promise.all([
    admin.describeGroups([groupId]),
    admin.fetchOffsets({ groupId, topics: [topic] }),
    admin.fetchTopicOffsets(topic),
    admin.fetchTopicOffsetsByTimestamp(topic, Date.now() - staleAfterSeconds * 1_000),
  ]);
  const reached = new Map(
    committed.flatMap(({ partitions }) =>
      partitions.map(({ partition, offset }) => [partition, Number(offset)]),
    ),
  );
  // -1: nothing was committed yet. Our consumers begin with the oldest message there is.
  const from = new Map(
    ends.map(({ partition, low }) => [
      partition,
      Math.max(reached.get(partition) ?? -1, Number(low)),
    ]),
  );
  const behind = (upTo: readonly { partition: number; offset: string }[]): number =>
    upTo.reduce(
      (sum, { partition, offset }) =>
        sum + Math.max(0, Number(offset) - (from.get(partition) ?? 0)),
      0,
    );
  const state = described.groups[0]?.state;
  return {
    groupId,
    topic,
    hasMembers: state !== 'Empty' && state !== 'Dead',
    messages: behind(ends.map(({ partition, high }) => ({ partition, offset: high }))),
    staleMessages: behind(fresh),
  };
}
