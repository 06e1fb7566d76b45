import { afterEach, expect, test } from '@jest/globals';
import type { ConsumerRunConfig, EachBatchPayload, KafkaMessage } from 'kafkajs';
import { Kafka, logLevel } from 'kafkajs';
import type { KafkaEvent } from './event.ts';
import { EventSourceMapping } from './event-source-mapping.ts';
import type { Instance, InvocationResult } from './instance.ts';
import { noDestinations, testMapping } from './testing/settings.ts';

const quiet = { info() {}, notice() {}, warning() {}, error() {} };
const { events } = new Kafka({ brokers: ['127.0.0.1:1'], logLevel: logLevel.NOTHING }).consumer({
  groupId: 'g',
});

/** A group member that is driven by the test: it never fetches or commits by itself. */
class FakeConsumer {
  readonly events = events;
  readonly calls: string[] = [];
  readonly #listeners: { name: string; listener: (event: never) => void }[] = [];
  #run: ConsumerRunConfig | undefined;
  readonly running = Promise.withResolvers<void>();

  readonly on = (name: string, listener: (event: never) => void): (() => void) => {
    this.#listeners.push({ name, listener });
    return () => {};
  };
  readonly connect = async (): Promise<void> => {};
  readonly disconnect = async (): Promise<void> => {};
  readonly subscribe = async (): Promise<void> => {};
  readonly run = async (config?: ConsumerRunConfig): Promise<void> => {
    this.#run = config;
    this.running.resolve();
  };
  readonly pause = (topics: { partitions?: number[] }[]): void =>
    void this.calls.push(`pause ${topics[0]?.partitions?.join()}`);
  readonly resume = (topics: { partitions?: number[] }[]): void =>
    void this.calls.push(`resume ${topics[0]?.partitions?.join()}`);
  readonly seek = ({ partition, offset }: { partition: number; offset: string }): void =>
    void this.calls.push(`seek ${partition}@${offset}`);
  readonly commitOffsets = async (
    topics?: { partition: number; offset: string }[],
  ): Promise<void> => {
    for (const { partition, offset } of topics ?? [])
      this.calls.push(`commit ${partition}@${offset}`);
  };

  emit(name: string, payload: object): void {
    // Each listener accepts the payload of its own event, which the compiler cannot check here.
    for (const each of this.#listeners)
      if (each.name === name) Reflect.apply(each.listener, undefined, [{ payload }]);
  }

  join(...partitions: number[]): void {
    this.emit(events.GROUP_JOIN, { memberAssignment: { t: partitions } });
  }

  committed(partition: number, offset: string): void {
    this.emit(events.COMMIT_OFFSETS, {
      topics: [{ topic: 't', partitions: [{ partition, offset }] }],
    });
  }

  async batch(partition: number, offset: number, { stale = false } = {}): Promise<void> {
    const message: KafkaMessage = {
      key: null,
      value: null,
      timestamp: '0',
      attributes: 0,
      offset: String(offset),
      headers: {},
    };
    const payload: EachBatchPayload = {
      batch: {
        topic: 't',
        partition,
        highWatermark: String(offset + 1),
        messages: [message],
        isEmpty: () => false,
        firstOffset: () => String(offset),
        lastOffset: () => String(offset),
        offsetLag: () => '0',
        offsetLagLow: () => '0',
      },
      resolveOffset: (resolved) => void this.calls.push(`resolve ${partition}@${resolved}`),
      heartbeat: async () => {},
      pause: () => () => {},
      commitOffsetsIfNecessary: async () => {},
      uncommittedOffsets: () => ({ topics: [] }),
      isRunning: () => true,
      isStale: () => stale,
    };
    await this.#run?.eachBatch?.(payload);
  }
}

class FakeInstance implements Instance {
  readonly name = 'f-0';
  readonly pid = 1;
  readonly startedAt = 0;
  readonly loaded = Promise.resolve(true);
  readonly ended = Promise.resolve();
  alive = true;
  readonly calls: string[];
  #settle: ((result: InvocationResult) => void) | undefined;

  constructor(calls: string[]) {
    this.calls = calls;
  }

  invoke({ records }: KafkaEvent): Promise<InvocationResult> {
    this.calls.push(`invoke ${Object.keys(records).join()}`);
    return new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  end(result: InvocationResult): void {
    this.#settle?.(result);
  }

  kill(reason: string): void {
    this.calls.push(`kill: ${reason}`);
    this.alive = false;
    this.end({ done: false, reason });
  }
}

const started: EventSourceMapping[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((mapping) => mapping.stop(0, 1_000)));
});

/** Returns a started mapping with batches of one record, and its consumer, which has not joined yet. */
async function mappingOf() {
  const consumer = new FakeConsumer();
  const admin = {
    connect: async () => {},
    disconnect: async () => {},
    fetchTopicMetadata: async () => ({ topics: [] }),
    fetchOffsets: async () => [],
    fetchTopicOffsetsByTimestamp: async () => [],
  };
  const kafka = { consumer: () => consumer, admin: () => admin };
  const settings = testMapping({ batchSize: 1, windowMs: 500 });
  const instances: FakeInstance[] = [];
  const acquire = (): FakeInstance => {
    const instance = new FakeInstance(consumer.calls);
    instances.push(instance);
    return instance;
  };
  const pool = { acquire, release: () => {} };
  const mapping = new EventSourceMapping(kafka, settings, pool, noDestinations, quiet);
  started.push(mapping);
  mapping.start();
  await consumer.running.promise;
  return { mapping, consumer, calls: consumer.calls, instances };
}

/** Waits until a call was recorded `times` times. */
async function waitForCalls(calls: readonly string[], call: string, times = 1): Promise<void> {
  const deadline = Date.now() + 5_000;
  const count = (): number => calls.filter((each) => each === call).length;
  while (count() < times && Date.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 5));
  expect(count()).toBe(times);
}

test('commit repeats a commit that the client skipped until the broker has it', async () => {
  const { mapping, consumer, calls } = await mappingOf();
  consumer.join(0);
  let done = false;
  const commit = mapping.commit(new Map([[0, 7n]]), new AbortController().signal).then(() => {
    done = true;
  });
  await waitForCalls(calls, 'commit 0@7', 2);
  expect(done).toBe(false);
  // The event of an earlier commit does not confirm this one.
  consumer.committed(0, '6');
  await waitForCalls(calls, 'commit 0@7', 3);
  expect(done).toBe(false);
  consumer.committed(0, '7');
  await commit;
});

test('a batch in progress is aborted and its process killed when its partition goes to another member', async () => {
  const { consumer, calls } = await mappingOf();
  consumer.join(0, 1);
  await consumer.batch(0, 5);
  await consumer.batch(1, 9);
  await waitForCalls(calls, 'invoke t-0');
  await waitForCalls(calls, 'invoke t-1');
  const before = calls.length;
  consumer.join(1);
  const kill = 'kill: its partition went to another member of the group';
  await waitForCalls(calls, kill);
  await waitForCalls(calls, 'resume 0');
  // The other batch goes on, and its partition is not fetched meanwhile.
  expect(calls.slice(before).filter((call) => call !== kill)).toEqual(['pause 1', 'resume 0']);
});

test('a batch that was fetched before a seek is ignored', async () => {
  const { consumer, calls, instances } = await mappingOf();
  consumer.join(0);
  await consumer.batch(0, 5, { stale: true });
  expect(instances).toHaveLength(0);
  await consumer.batch(0, 5);
  await waitForCalls(calls, 'invoke t-0');
  expect(calls.filter((call) => call.startsWith('resolve'))).toEqual(['resolve 0@5']);
});

test('a partition with a batch in progress ignores further batches, and then fetches from the committed offset', async () => {
  const { consumer, calls, instances } = await mappingOf();
  consumer.join(0);
  await consumer.batch(0, 5);
  await waitForCalls(calls, 'invoke t-0');
  await consumer.batch(0, 6);
  expect(instances).toHaveLength(1);
  instances[0]?.end({ done: true });
  await waitForCalls(calls, 'commit 0@6');
  consumer.committed(0, '6');
  await waitForCalls(calls, 'seek 0@6');
  await consumer.batch(0, 6);
  await waitForCalls(calls, 'invoke t-0', 2);
});
