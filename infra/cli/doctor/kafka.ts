/** Kafka: whether it answers, how far behind each of our consumer groups is, and what was put aside. */
import { type Admin, AssignerProtocol, Kafka, logLevel } from 'kafkajs';
import { stopIdlePolling } from '../../../lib/messaging/request-queue.ts';
import type { Home } from '../home.ts';
import { type Check, count, type Finding, fail, ok, warn } from './check.ts';

const OURS = 'streamsync-';
const DEAD_LETTERS = '.dlq';
/** More than a moment's work for a group that keeps up. */
const LARGE_LAG = 1_000;

export function kafkaCheck(home: Home, brokers: string[]): Check {
  return {
    name: 'kafka',
    look: async () => {
      stopIdlePolling();
      const admin = new Kafka({
        clientId: 'streamsync-doctor',
        brokers,
        connectionTimeout: 2_000,
        requestTimeout: 4_000,
        retry: { retries: 0 },
        logLevel: logLevel.NOTHING,
      }).admin();
      await admin.connect();
      try {
        const topics = await admin.listTopics();
        return [
          ok('kafka', `${brokers.join(', ')} answers, ${count(topics.length, 'topic')}`),
          ...(await lookAtGroups(admin, home)),
          ...(await lookAtDeadLetters(admin, topics)),
        ];
      } finally {
        await admin.disconnect();
      }
    },
    todo: `exports are accepted and wait until it is back; see ${home.logs}/kafka.log`,
  };
}

async function lookAtGroups(admin: Admin, home: Home): Promise<Finding[]> {
  const ids = (await admin.listGroups()).groups
    .map(({ groupId }) => groupId)
    .filter((id) => id.startsWith(OURS))
    .toSorted();
  if (ids.length === 0)
    return [fail('groups', 'no consumer group of ours is known', restart(home))];
  const { groups } = await admin.describeGroups(ids);
  const findings = await Promise.all(
    groups.map(async ({ groupId, state, members }) => {
      const assigned = members.flatMap(({ memberAssignment }) =>
        Object.keys(AssignerProtocol.MemberAssignment.decode(memberAssignment)?.assignment ?? {}),
      );
      const lags = await lagsOf(admin, groupId, assigned);
      const name = `group ${groupId.slice(OURS.length)}`;
      const detail = lags.map(({ topic, lag }) => `${topic} lag ${lag}`).join(', ');
      if (members.length === 0) return fail(name, `nobody consumes; ${detail}`, restart(home));
      if (state !== 'Stable')
        return warn(name, `${state}; ${detail}`, 'its members are joining: look again soon');
      return lags.some(({ lag }) => lag > LARGE_LAG)
        ? warn(name, detail, `it does not keep up; see ${home.logs}/functions.log`)
        : ok(name, detail);
    }),
  );
  return findings;
}

const restart = (home: Home): string =>
  `see ${home.logs}/functions.log; stop the stack and start it again`;

/** A message is behind until it is worked off: one that is being worked at counts. */
async function lagsOf(
  admin: Admin,
  groupId: string,
  assigned: readonly string[],
): Promise<{ topic: string; lag: number }[]> {
  const committed = new Map(
    (await admin.fetchOffsets({ groupId })).map(({ topic, partitions }) => [topic, partitions]),
  );
  const topics = [...new Set([...assigned, ...committed.keys()])].toSorted();
  return Promise.all(
    topics.map(async (topic) => {
      let lag = 0;
      for (const { partition, high, low } of await admin.fetchTopicOffsets(topic)) {
        const at = committed.get(topic)?.find((entry) => entry.partition === partition)?.offset;
        // -1: nothing was committed yet. Both begin with the oldest message there is.
        lag += Number(high) - Math.max(Number(at ?? -1), Number(low));
      }
      return { topic, lag };
    }),
  );
}

async function lookAtDeadLetters(admin: Admin, topics: readonly string[]): Promise<Finding[]> {
  return Promise.all(
    topics
      .filter((topic) => topic.endsWith(DEAD_LETTERS))
      .toSorted()
      .map(async (topic) => {
        const offsets = await admin.fetchTopicOffsets(topic);
        const messages = offsets.reduce(
          (sum, { high, low }) => sum + Number(high) - Number(low),
          0,
        );
        return messages === 0
          ? ok(topic, 'empty')
          : warn(
              topic,
              `${count(messages, 'message')} put aside`,
              'read the topic: the headers reason, topic, partition and offset say why and whence',
            );
      }),
  );
}
