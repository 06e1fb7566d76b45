import { randomInt, randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import kafkajs from 'kafkajs';
import { consume, produce } from '../support/events.ts';
import { wrongRollups } from '../support/rollups.ts';
import { readStack, sourceUrl, sql, stack } from '../support/stack.ts';
import { countMessages, recreateTopic, withAdmin } from '../support/topic.ts';
import { waitFor } from '../support/wait-for.ts';

/**
 * Readings through the topic `readings` and the functions of the stack, while processes end at random. What is in the
 * store afterwards is what was produced, by number and checksum of each series.
 */
const { Kafka, logLevel } = kafkajs;
const topic = 'readings';
const groupId = 'streamsync-ingest-readings';
const partitions = 4;
const run = randomUUID().slice(0, 8);
const seriesCount = 12;
const start = Math.floor(Date.now() / 60_000) * 60_000 - 2 * 3_600_000;

interface Produced {
  series: string;
  at: number;
  value: number;
}

const produced = new Map<string, Map<number, number>>();
let sequence = 0;

/** Produces the next readings; some of them again, with another value. */
async function produceReadings(count: number, prefix: string): Promise<void> {
  const readings: Produced[] = Array.from({ length: count }, () => {
    const n = sequence++;
    const series = `${prefix}-${n % seriesCount}`;
    const isRepeat = n % 10 === 9;
    const at = start + (isRepeat ? n - 5 * seriesCount : n) * 137;
    return { series, at, value: randomInt(1_000_000) / 1_000 };
  });
  for (const { series, at, value } of readings) {
    const values = produced.get(series) ?? new Map<number, number>();
    produced.set(series, values.set(at, value));
  }
  await produce(
    topic,
    readings.map((reading) => ({ key: reading.series, value: JSON.stringify(reading) })),
  );
}

/** The number of readings of a series, and their times and values in the order of time. */
async function storedOf(prefix: string): Promise<Map<string, [number, number][]>> {
  const rows = await sql<{ series: string; readings: [number, number][] }>(
    sourceUrl('iot'),
    `select series, json_agg(json_build_array((extract(epoch from at) * 1000)::bigint, value) order by at) as readings
     from readings where series like $1 group by series`,
    [`${prefix}-%`],
  );
  return new Map(rows.map(({ series, readings }) => [series, readings]));
}

const expectedOf = (prefix: string): Map<string, [number, number][]> =>
  new Map(
    [...produced]
      .filter(([series]) => series.startsWith(`${prefix}-`))
      .map(([series, values]) => [series, [...values].toSorted(([a], [b]) => a - b)]),
  );

/** Waits until ingest has come to the end of the topic. */
const drained = (seconds = 120): Promise<true> =>
  waitFor(
    'everything is ingested',
    async () => {
      const total = await countMessages(topic).catch(() => Number.NaN);
      const [{ done } = { done: -1 }] = await sql<{ done: number }>(
        sourceUrl('iot'),
        `select coalesce(sum(next_offset), 0)::float8 as done from ingest_progress p
         where topic = $1 and epoch = (select max(epoch) from ingest_streams where topic = p.topic)`,
        [topic],
      ).catch(() => []);
      return done === total ? true : undefined;
    },
    { seconds, everyMs: 200 },
  );

async function assertAsProduced(prefix: string): Promise<void> {
  const [stored, expected] = [await storedOf(prefix), expectedOf(prefix)];
  const counts = (all: ReadonlyMap<string, unknown[]>) =>
    [...all].map(([series, { length }]) => `${series}: ${length}`).toSorted();
  expect(counts(stored)).toEqual(counts(expected));
  for (const [series, readings] of expected) expect(stored.get(series)).toEqual(readings);
  expect(await wrongRollups(sourceUrl('iot'), `${prefix}-%`)).toEqual([]);
}

const pidsOf = async (prefix: string): Promise<number[]> =>
  (await readStack()).processes.filter(({ name }) => name.startsWith(prefix)).map(({ pid }) => pid);

/** Kills a process, which may have ended by now. */
function kill(pid: number, signal: NodeJS.Signals = 'SIGKILL'): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended.
  }
}

/** Kills a connection of ingest on the server: the server then ends all connections and recovers. */
async function crashDatabase(): Promise<void> {
  const [backend] = await sql<{ pid: number }>(
    sourceUrl('iot'),
    `select pid from pg_stat_activity where backend_type = 'client backend'
       and pid <> pg_backend_pid() order by application_name <> 'streamsync-ingest' limit 1`,
  );
  if (!backend) throw new Error('the server has no other connection');
  kill(backend.pid);
  await waitFor('the server has recovered', async () => {
    const rows = await sql(sourceUrl('iot'), 'select 1').catch(() => []);
    return rows.length === 1 ? true : undefined;
  });
}

async function stopBroker(milliseconds: number): Promise<void> {
  const [broker] = await pidsOf('kafka');
  if (broker === undefined) throw new Error('the stack has no broker');
  kill(broker, 'SIGSTOP');
  await setTimeout(milliseconds);
  kill(broker, 'SIGCONT');
}

test('each reading is stored once although functions, the database and the broker end at random', async () => {
  const prefix = `fault-${run}`;
  const bad = [0, 1, 2].map((n) => `not a reading, ${prefix}, ${n}`);
  await produceReadings(1_000, prefix);
  await drained();
  const producing = (async () => {
    for (let batch = 0; batch < 30; batch++) {
      await produceReadings(300, prefix);
      const value = bad[batch - 10];
      if (value !== undefined) await produce(topic, [{ value, key: `${batch}` }]);
      await setTimeout(200);
    }
  })();
  for (let round = 0; round < 5; round++) {
    await setTimeout(randomInt(200, 1_200));
    const victims = await pidsOf('ingest-readings');
    for (const pid of victims) if (randomInt(2) === 0) kill(pid);
    if (round === 2) await crashDatabase();
  }
  await producing;
  await stopBroker(1_500);
  await produceReadings(300, prefix);
  await drained();
  await assertAsProduced(prefix);
  await assertDeadLetters(bad);
});

async function assertDeadLetters(values: readonly string[]): Promise<void> {
  const letters = await consume('readings.dlq');
  try {
    for (const value of values) {
      const letter = await waitFor(`a dead letter: ${value}`, async () =>
        letters.messages.find((message) => String(message.value) === value),
      );
      expect(letter.headers).toMatchObject({
        topic,
        reason: expect.stringMatching(/^is not JSON/),
      });
    }
  } finally {
    await letters.close();
  }
}

/** Another member of the group of ingest, which gets some of the partitions and commits nothing. */
async function joinGroup(): Promise<{ partitions: number; leave: () => Promise<void> }> {
  const brokers = stack.kafka.brokers;
  const kafka = new Kafka({ clientId: 'another-member', brokers, logLevel: logLevel.NOTHING });
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 200 });
  const joined = Promise.withResolvers<number>();
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) =>
    joined.resolve(payload.memberAssignment[topic]?.length ?? 0),
  );
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({ autoCommit: false, eachBatch: async () => {} });
  const count = await waitFor('the member has joined', () =>
    Promise.race([joined.promise, setTimeout(200, undefined)]),
  );
  return { partitions: count, leave: () => consumer.disconnect() };
}

test('each reading is stored once although partitions move to another member and back', async () => {
  const prefix = `moved-${run}`;
  const stop = new AbortController();
  const producing = (async () => {
    while (!stop.signal.aborted) {
      await produceReadings(200, prefix);
      await setTimeout(100);
    }
  })();
  for (let round = 0; round < 3; round++) {
    await setTimeout(randomInt(200, 1_000));
    const member = await joinGroup();
    try {
      expect(member.partitions).toBeGreaterThan(0);
      await setTimeout(randomInt(200, 1_000));
    } finally {
      await member.leave();
    }
  }
  stop.abort();
  await producing;
  await drained();
  await assertAsProduced(prefix);
});

test('a replay of the whole topic changes nothing', async () => {
  const prefix = `fault-${run}`;
  const rows = () =>
    sql(
      sourceUrl('iot'),
      'select series, at, value, kafka_offset, xmin::text from readings where series like $1 order by 1, 2',
      [`${prefix}-%`],
    );
  const before = await rows();
  await resetOffsets();
  await waitFor('the topic is read again', async () => ((await lag()) === 0 ? true : undefined), {
    seconds: 120,
    everyMs: 300,
  });
  expect(await rows()).toEqual(before);
  await assertAsProduced(prefix);
});

test('a topic that is deleted and created again is no replay', async () => {
  const prefix = `again-${run}`;
  await recreateTopic(topic, partitions);
  await produceReadings(500, prefix);
  await drained();
  await assertAsProduced(prefix);
  await assertAsProduced(`fault-${run}`);
});

/** Restarts the functions. Kafka changes the offsets of a group only while it has no members: in between. */
const resetOffsets = (): Promise<unknown> =>
  withAdmin(async (admin) => {
    process.kill((await readStack()).pid, 'SIGUSR2');
    await waitFor(
      'the group has no members',
      () =>
        admin.resetOffsets({ groupId, topic, earliest: true }).then(
          () => true,
          () => undefined,
        ),
      { seconds: 60, everyMs: 20 },
    );
  });

/** Returns how many records of the topic the group has not committed. */
const lag = (): Promise<number> =>
  withAdmin(async (admin) => {
    const [committed] = await admin.fetchOffsets({ groupId, topics: [topic] });
    const ends = await admin.fetchTopicOffsets(topic);
    return ends.reduce((sum, { partition, high }) => {
      const at = committed?.partitions.find((each) => each.partition === partition)?.offset ?? '0';
      return sum + Number(high) - Math.max(0, Number(at));
    }, 0);
  });
