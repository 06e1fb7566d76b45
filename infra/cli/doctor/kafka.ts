/** Checks that Kafka answers, the lag of each of our consumer groups, and the dead letter topics. */
import { type Admin, AssignerProtocol, Kafka, logLevel } from 'kafkajs';
import { stopIdlePolling } from '../../../lib/messaging/kafkajs-patch.ts';
import type { Home } from '../../local/home/home.ts';
import { type Check, count, type DoctorFinding, fail, ok, warn } from './check.ts';

const groupPrefix = 'streamsync-';
const deadLetterSuffix = '.dlq';
/** In records. A group that keeps up stays below it. */
const largeLag = 1_000;

export function kafkaCheck(home: Home, brokers: string[]): Check {
  return {
    name: 'kafka',
    run: async () => {
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
          ...(await checkGroups(admin, home)),
          ...(await checkDeadLetters(admin, topics)),
        ];
      } finally {
        await admin.disconnect();
      }
    },
    fix: `exports are accepted and wait until Kafka answers; see ${home.logs}/kafka.log`,
  };
}

async function checkGroups(admin: Admin, home: Home): Promise<DoctorFinding[]> {
  const ids = (await admin.listGroups()).groups
    .map(({ groupId }) => groupId)
    .filter((id) => id.startsWith(groupPrefix))
    .toSorted();
  if (ids.length === 0)
    return [fail('groups', `Kafka has no group ${groupPrefix}*`, restart(home))];
  const { groups } = await admin.describeGroups(ids);
  const findings = await Promise.all(
    groups.map(async ({ groupId, state, members }) => {
      const assigned = members.flatMap(({ memberAssignment }) =>
        Object.keys(AssignerProtocol.MemberAssignment.decode(memberAssignment)?.assignment ?? {}),
      );
      const lags = await lagsOf(admin, groupId, assigned);
      const name = `group ${groupId.slice(groupPrefix.length)}`;
      const detail = lags.map(({ topic, lag }) => `${topic} lag ${lag}`).join(', ');
      if (members.length === 0) return fail(name, `has no consumer; ${detail}`, restart(home));
      if (state !== 'Stable')
        return warn(
          name,
          `${state}; ${detail}`,
          'its members are joining: check again in a minute',
        );
      return lags.some(({ lag }) => lag > largeLag)
        ? warn(name, detail, `it does not keep up; see ${home.logs}/functions.log`)
        : ok(name, detail);
    }),
  );
  return findings;
}

function restart(home: Home): string {
  return `see ${home.logs}/functions.log; stop the stack and start it again`;
}

/** Returns the lag of a group by topic. A message counts until its offset is committed. */
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
        // Before the first commit the offset is -1, and the group starts at the oldest message.
        lag += Number(high) - Math.max(Number(at ?? -1), Number(low));
      }
      return { topic, lag };
    }),
  );
}

async function checkDeadLetters(admin: Admin, topics: readonly string[]): Promise<DoctorFinding[]> {
  return Promise.all(
    topics
      .filter((topic) => topic.endsWith(deadLetterSuffix))
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
              count(messages, 'dead letter'),
              'read the topic: the header reason says why, topic, partition and offset say where each record was',
            );
      }),
  );
}
