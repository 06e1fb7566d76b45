/**
 * The event source mapping of one function and topic: a consumer that is the only member of its
 * group and feeds the event pollers, among which the partitions are divided.
 *
 * kafkajs awaits all batches of a fetch before the next fetch, so an invocation awaited in
 * `eachBatch` would make every partition wait for the slowest. `eachBatch` therefore only passes the
 * records to their poller, which pauses a partition while it is busy; the fetch loop goes on
 * and sends heartbeats. The pollers commit the offsets.
 *
 * A consumer is replaced when it fails (broker away, crash, stalled); the pollers stay. A batch in
 * progress goes on and is committed through the consumer of that time. When a consumer joins its
 * group, the first time or again, it fetches from the committed offsets.
 */
import type {
  Admin,
  Consumer,
  ConsumerConfig,
  ConsumerGroupJoinEvent,
  EachBatchPayload,
} from 'kafkajs';
import type { DeliveryTarget } from './batch-delivery.ts';
import type { InstanceProvider } from './batch-run.ts';
import { ConsumerWatchdog } from './consumer-watchdog.ts';
import { errorMessage } from './errors.ts';
import type { Log } from './log.ts';
import type { MappingSettings } from './mapping-settings.ts';
import { type PartitionControl, Poller } from './poller.ts';
import { backoffMs, sleep } from './retry.ts';
import { settledWithin } from './timeout.ts';

/** Between two consumers: at most 3 s, with the random part. */
const restartDelays = { firstMs: 500, maxMs: 2000 };

/** Between attempts to commit. */
const commitRetryMs = 200;

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

/** The part of kafkajs that a mapping uses. */
export interface KafkaClient {
  consumer(config: ConsumerConfig): MemberClient;
  admin(): Pick<
    Admin,
    | 'connect'
    | 'disconnect'
    | 'fetchOffsets'
    | 'fetchTopicMetadata'
    | 'fetchTopicOffsetsByTimestamp'
  >;
}

export class EventSourceMapping implements PartitionControl {
  /** Resolves when the consumer has joined its group and knows where it starts. */
  readonly ready: Promise<void>;
  readonly #kafka: KafkaClient;
  readonly #settings: MappingSettings;
  readonly #log: Log;
  readonly #setReady: () => void;
  readonly #pollers: readonly Poller[];
  /** The last offset confirmed by a commit event, by partition: kafkajs also resolves commits that it skipped. */
  readonly #committed = new Map<number, bigint>();
  /** With AT_TIMESTAMP: where the partitions begin that have no committed offset. */
  #startOffsets: ReadonlyMap<number, bigint> = new Map();
  readonly #stopping = new AbortController();
  /** The consumer while it is a member of its group. */
  #member: MemberClient | undefined;
  #running: Promise<void> | undefined;

  constructor(
    kafka: KafkaClient,
    settings: MappingSettings,
    pool: InstanceProvider,
    destinations: DeliveryTarget['destinations'],
    log: Log,
  ) {
    this.#kafka = kafka;
    this.#settings = settings;
    this.#log = log;
    this.#pollers = Array.from(
      { length: settings.pollers },
      () => new Poller(settings, pool, this, destinations, log),
    );
    const ready = Promise.withResolvers<void>();
    this.ready = ready.promise;
    this.#setReady = ready.resolve;
  }

  start(): void {
    this.#running = this.#keepConsuming();
  }

  /** Waits up to `graceMs` for batches in progress to be committed; then aborts the others and leaves the group, within `leaveMs`. */
  async stop(graceMs: number, leaveMs: number): Promise<void> {
    await settledWithin(Promise.all(this.#pollers.map((poller) => poller.finish())), graceMs);
    const aborted = Promise.all(this.#pollers.map((poller) => poller.abort('stopping')));
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

  async commit(offsets: ReadonlyMap<number, bigint>, signal: AbortSignal): Promise<void> {
    const { topic } = this.#settings;
    const wanted = [...offsets];
    for (const [partition] of wanted) this.#committed.delete(partition);
    for (;;) {
      try {
        await this.#member?.commitOffsets(
          wanted.map(([partition, offset]) => ({ topic, partition, offset: String(offset) })),
        );
      } catch (error) {
        const places = wanted.map(([partition, offset]) => `${topic}-${partition}@${offset}`);
        this.#log.warning(
          `commit of ${places.join(', ')} failed, retrying: ${errorMessage(error)}`,
        );
      }
      signal.throwIfAborted();
      if (wanted.every(([partition, offset]) => this.#committed.get(partition) === offset)) return;
      await sleep(commitRetryMs, signal);
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
        const wait = backoffMs(failures, restartDelays);
        failures += 1;
        const { groupId, topic } = this.#settings;
        this.#log.warning(
          `${groupId}: consumer of ${topic} failed, restart in ${Math.round(wait)} ms: ${errorMessage(error)}`,
        );
        await sleep(wait, signal).catch(() => {});
      }
    }
  }

  /** Consumes until the consumer fails, which it throws, or the signal aborts. */
  async #consume(signal: AbortSignal, joined: () => void): Promise<void> {
    const { topic, groupId, start } = this.#settings;
    const consumer = this.#kafka.consumer({
      groupId,
      sessionTimeout: 10_000,
      rebalanceTimeout: 10_000,
      maxWaitTimeInMs: 100,
      allowAutoTopicCreation: false,
      retry: { restartOnFailure: () => Promise.resolve(false) },
    });
    const { CRASH, GROUP_JOIN, HEARTBEAT, FETCH_START, FETCH, COMMIT_OFFSETS } = consumer.events;
    const failure = Promise.withResolvers<never>();
    const watch = new ConsumerWatchdog(`${groupId}: ${topic}`, this.#log, failure.reject);
    /** A consumer that could not be disconnected in time may still call its listeners. */
    let current = true;

    consumer.on(CRASH, ({ payload }) => failure.reject(payload.error));
    consumer.on(GROUP_JOIN, ({ payload }) => {
      if (!current) return;
      joined();
      watch.onHeartbeat();
      this.#member = consumer;
      this.#onJoin(payload);
    });
    // LATEST depends on the start offsets, which the consumer looks up before its first fetch.
    consumer.on(FETCH_START, () => watch.onFetchAttempt());
    consumer.on(FETCH, () => {
      watch.onFetch();
      if (this.#member === consumer) this.#setReady();
    });
    consumer.on(HEARTBEAT, () => watch.onHeartbeat());
    consumer.on(COMMIT_OFFSETS, ({ payload }) => {
      for (const { partition, offset } of payload.topics.flatMap((each) => each.partitions)) {
        this.#committed.set(partition, BigInt(offset));
      }
    });
    const onStop = (): void => failure.reject(signal.reason);
    signal.addEventListener('abort', onStop);

    const run = async (): Promise<void> => {
      const partitions = await this.#lookUpTopic();
      await consumer.connect();
      await consumer.subscribe({ topics: [topic], fromBeginning: start === 'TRIM_HORIZON' });
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
    for (const [index, poller] of this.#pollers.entries()) {
      const own = [...assigned].filter((partition) => this.#indexOf(partition) === index);
      poller.onJoin(new Set(own), (partition) => this.#startOf(partition));
    }
  }

  #startOf(partition: number): bigint | undefined {
    return this.#committed.has(partition) ? undefined : this.#startOffsets.get(partition);
  }

  #onBatch({ batch, resolveOffset, isStale }: EachBatchPayload): void {
    const { partition, messages } = batch;
    const poller = this.#pollers[this.#indexOf(partition)];
    if (poller === undefined || this.#stopping.signal.aborted) return;
    if (poller.isBusy(partition) || isStale()) return;
    poller.accept(partition, messages, BigInt(batch.lastOffset()) + 1n);
    resolveOffset(batch.lastOffset());
  }

  #indexOf(partition: number): number {
    return partition % this.#pollers.length;
  }

  /** Returns the number of partitions. With AT_TIMESTAMP it also looks up where they begin. */
  async #lookUpTopic(): Promise<number> {
    const { topic, groupId, start } = this.#settings;
    const admin = this.#kafka.admin();
    try {
      await admin.connect();
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
      if (typeof start === 'number') {
        const [committed] = await admin.fetchOffsets({ groupId, topics: [topic] });
        const hasNone = new Set(
          committed?.partitions.flatMap((it) => (it.offset === '-1' ? [it.partition] : [])),
        );
        const atTime = await admin.fetchTopicOffsetsByTimestamp(topic, start);
        this.#startOffsets = new Map(
          atTime
            .filter((it) => hasNone.has(it.partition))
            .map((it) => [it.partition, BigInt(it.offset)]),
        );
      }
      return topics[0]?.partitions.length ?? 1;
    } finally {
      await settledWithin(admin.disconnect(), 1000);
    }
  }
}
