/**
 * The event source mapping of one function and topic: a consumer that is the only member of its
 * group and feeds a lane for each partition.
 *
 * kafkajs awaits all of a fetch's batches before the next fetch, so an invocation awaited in
 * `eachBatch` would hold every partition behind the slowest. `eachBatch` therefore only hands the
 * records to their lane, which pauses its partition for as long as it works; the fetch loop goes on
 * and heartbeats. Offsets are committed by the lanes.
 *
 * Consumers come and go (broker away, crash, stalled), lanes stay: work under way goes on and is
 * committed through the consumer there is then. A consumer that joins its group, the first time or
 * again, fetches from the committed offsets: lanes drop what they only gathered, those at work
 * stay paused, and those whose partition went to another member give up.
 */
import type {
  Admin,
  Consumer,
  ConsumerConfig,
  ConsumerGroupJoinEvent,
  EachBatchPayload,
} from 'kafkajs';
import { FetchWatch } from './fetch-watch.ts';
import { type Instances, Lane, type PartitionControl } from './lane.ts';
import type { Log } from './log.ts';
import { messageOf, pause, retryDelay, settledWithin } from './retry.ts';
import type { MappingSettings } from './settings.ts';

/** The longest wait between two consumers. */
const MAX_RESTART_MS = 3000;

/** Between tries to commit. */
const COMMIT_RETRY_MS = 200;

type MemberClient = Pick<
  Consumer,
  | 'commitOffsets'
  | 'connect'
  | 'disconnect'
  | 'events'
  | 'on'
  | 'pause'
  | 'resume'
  | 'run'
  | 'seek'
  | 'subscribe'
>;

/** What a mapping needs of kafkajs. */
export interface KafkaClient {
  consumer(config: ConsumerConfig): MemberClient;
  admin(): Pick<Admin, 'connect' | 'disconnect' | 'fetchTopicMetadata'>;
}

export class Mapping implements PartitionControl {
  /** Resolves when the consumer has joined its group and knows where it starts. */
  readonly ready: Promise<void>;
  readonly #kafka: KafkaClient;
  readonly #settings: MappingSettings;
  readonly #pool: Instances;
  readonly #log: Log;
  readonly #setReady: () => void;
  readonly #lanes = new Map<number, Lane>();
  /** The offset last seen to be committed, by partition: kafkajs resolves a commit it skipped as if it were done. */
  readonly #committed = new Map<number, bigint>();
  readonly #stopping = new AbortController();
  /** The consumer while it is a member of its group. */
  #member: MemberClient | undefined;
  #running: Promise<void> | undefined;

  constructor(kafka: KafkaClient, settings: MappingSettings, pool: Instances, log: Log) {
    this.#kafka = kafka;
    this.#settings = settings;
    this.#pool = pool;
    this.#log = log;
    const ready = Promise.withResolvers<void>();
    this.ready = ready.promise;
    this.#setReady = ready.resolve;
  }

  start(): void {
    this.#running = this.#keepConsuming();
  }

  /** Lets batches under way end and be committed for `graceMs`, gives up the others and leaves the group, within another `leaveMs`. */
  async stop(graceMs: number, leaveMs: number): Promise<void> {
    const lanes = [...this.#lanes.values()];
    await settledWithin(Promise.all(lanes.map((lane) => lane.finish())), graceMs);
    const aborted = Promise.all(lanes.map((lane) => lane.abort('stopping')));
    this.#stopping.abort(new Error('stopping'));
    await settledWithin(Promise.all([aborted, this.#running]), leaveMs);
  }

  pause(partition: number): void {
    this.#member?.pause([{ topic: this.#settings.topic, partitions: [partition] }]);
  }

  resume(partition: number, offset?: bigint): void {
    const { topic } = this.#settings;
    if (offset !== undefined) this.#member?.seek({ topic, partition, offset: String(offset) });
    this.#member?.resume([{ topic, partitions: [partition] }]);
  }

  async commit(partition: number, offset: bigint, signal: AbortSignal): Promise<void> {
    const { topic } = this.#settings;
    this.#committed.delete(partition);
    for (;;) {
      try {
        await this.#member?.commitOffsets([{ topic, partition, offset: String(offset) }]);
      } catch (error) {
        this.#log.warning(
          `${topic}-${partition}: committing ${offset} failed, trying again: ${messageOf(error)}`,
        );
      }
      signal.throwIfAborted();
      if (this.#committed.get(partition) === offset) return;
      await pause(COMMIT_RETRY_MS, signal);
    }
  }

  async #keepConsuming(): Promise<void> {
    const { signal } = this.#stopping;
    let failures = 0;
    while (!signal.aborted) {
      try {
        await this.#consume(signal, () => {
          failures = 0;
        });
      } catch (error) {
        if (signal.aborted) return;
        const wait = Math.min(retryDelay(failures), MAX_RESTART_MS);
        failures += 1;
        const { groupId, topic } = this.#settings;
        this.#log.warning(
          `${groupId}: consumer of ${topic} ended, next in ${wait} ms: ${messageOf(error)}`,
        );
        await pause(wait, signal).catch(() => {});
      }
    }
  }

  /** Consumes until the consumer fails, which it throws, or the signal aborts. */
  async #consume(signal: AbortSignal, joined: () => void): Promise<void> {
    const { topic, groupId, fromBeginning } = this.#settings;
    const consumer = this.#kafka.consumer({
      groupId,
      sessionTimeout: 10_000,
      rebalanceTimeout: 10_000,
      maxWaitTimeInMs: 100,
      allowAutoTopicCreation: false,
      retry: { restartOnFailure: () => Promise.resolve(false) },
    });
    const { CRASH, GROUP_JOIN, FETCH_START, FETCH, COMMIT_OFFSETS } = consumer.events;
    const failure = Promise.withResolvers<never>();
    const watch = new FetchWatch(`${groupId}: ${topic}`, this.#log, failure.reject);
    /** Until it is left: one that could not be ended in time may still call. */
    let current = true;

    consumer.on(CRASH, ({ payload }) => failure.reject(payload.error));
    consumer.on(GROUP_JOIN, ({ payload }) => {
      if (!current) return;
      joined();
      this.#member = consumer;
      this.#onJoin(payload);
    });
    // The first fetch after joining has looked up the offsets to start at, which LATEST depends on.
    consumer.on(FETCH_START, () => watch.tried());
    consumer.on(FETCH, () => {
      watch.fetched();
      if (this.#member === consumer) this.#setReady();
    });
    consumer.on(COMMIT_OFFSETS, ({ payload }) => {
      for (const { partition, offset } of payload.topics.flatMap((each) => each.partitions)) {
        this.#committed.set(partition, BigInt(offset));
      }
    });
    const onStop = (): void => failure.reject(signal.reason);
    signal.addEventListener('abort', onStop);

    const run = async (): Promise<void> => {
      const partitions = await this.#countPartitions();
      await consumer.connect();
      await consumer.subscribe({ topics: [topic], fromBeginning });
      await consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: partitions,
        eachBatch: async (payload) => {
          if (current) this.#onBatch(payload);
        },
      });
    };
    try {
      await Promise.race([run().then(() => failure.promise), failure.promise]);
    } finally {
      current = false;
      this.#member = undefined;
      watch.end();
      signal.removeEventListener('abort', onStop);
      await settledWithin(consumer.disconnect(), 5000);
    }
  }

  #onJoin({ memberAssignment }: ConsumerGroupJoinEvent['payload']): void {
    const { topic, groupId } = this.#settings;
    const assigned = new Set(memberAssignment[topic]);
    this.#log.info(`${groupId}: consumes ${topic} ${[...assigned].join(', ')}`);
    for (const [partition, lane] of this.#lanes) {
      if (lane.busy) {
        if (assigned.has(partition)) this.pause(partition);
        else void lane.abort('its partition went to another member of the group');
        continue;
      }
      // Without a committed offset the consumer would start at LATEST, past the records dropped.
      const from = lane.reset();
      if (assigned.has(partition)) this.resume(partition, from);
    }
  }

  #onBatch({ batch, resolveOffset, isStale }: EachBatchPayload): void {
    const lane = this.#lane(batch.partition);
    if (this.#stopping.signal.aborted || lane.busy || isStale()) return;
    lane.take(batch.messages, BigInt(batch.lastOffset()) + 1n);
    resolveOffset(batch.lastOffset());
  }

  #lane(partition: number): Lane {
    const known = this.#lanes.get(partition);
    if (known !== undefined) return known;
    const lane = new Lane(this.#settings, partition, this.#pool, this, this.#log);
    this.#lanes.set(partition, lane);
    return lane;
  }

  async #countPartitions(): Promise<number> {
    const { topic } = this.#settings;
    const admin = this.#kafka.admin();
    try {
      await admin.connect();
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
      return topics[0]?.partitions.length ?? 1;
    } finally {
      await settledWithin(admin.disconnect(), 1000);
    }
  }
}
