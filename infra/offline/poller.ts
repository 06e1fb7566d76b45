/**
 * An event poller: gathers the records of its partitions into batches and invokes the function with them.
 *
 * A partition is *gathering* (the consumer fetches it; its records wait until a batch is full or the window, counted from
 * the first record, ends) or *busy* (it is paused; a batch with its records is invoked and committed).
 *
 * - A batch that is due takes the records of all gathering partitions, the partition that has waited longest first. So
 *   partitions do not wait for each other, but for the batches that they have in common.
 * - After a batch its partitions go on with what is left of them if another batch is due; otherwise they are resumed at
 *   the last committed offset, and gathered records after it are dropped and fetched again. kafkajs keeps a seek until
 *   its next fetch of the partition, also across a rebalance: a seek past unprocessed records would skip them if they
 *   were dropped meanwhile.
 * - Memory: less than one batch or 6 MB, plus one fetch for each partition.
 */
import type { KafkaMessage } from 'kafkajs';
import { type Entry, nextBatch, toEntry } from './batch.ts';
import type { DeliveryTarget } from './batch-delivery.ts';
import { BatchRun, type InstanceProvider } from './batch-run.ts';
import { kafkaRecord } from './event.ts';
import type { Log } from './log.ts';
import type { MappingSettings } from './mapping-settings.ts';

/** What a poller needs from its consumer. */
export interface PartitionControl {
  pause(partition: number): void;
  /** Resumes fetching at `offset`; without it, where the consumer started when it joined. */
  resume(partition: number, offset?: bigint): void;
  /**
   * Resolves when the broker has the offset of each partition, even if the consumer is replaced meanwhile; throws if
   * aborted.
   */
  commit(offsets: ReadonlyMap<number, bigint>, signal: AbortSignal): Promise<void>;
}

/**
 * Larger records are skipped. AWS gives up a record for which no payload has room, and its destination gets it; but
 * 1 MB of gzip can contain 1 GB, which no message could carry.
 */
const maxDecompressedBytes = 32 * 1024 * 1024;

/** A partition; busy if it has a run. */
interface Partition {
  /** In order; not those of its run. */
  entries: Entry[];
  /** The offset after the last entry and after the transaction markers that follow it, which no consumer gets. */
  end: bigint;
  /** When the records that were dropped last had first been fetched: their window counts from then. */
  waitingSince: number | undefined;
  run: BatchRun | undefined;
}

export class Poller {
  readonly #mapping: MappingSettings;
  readonly #pool: InstanceProvider;
  readonly #consumer: PartitionControl;
  readonly #destinations: DeliveryTarget['destinations'];
  readonly #log: Log;
  readonly #partitions = new Map<number, Partition>();
  readonly #runs = new Map<BatchRun, Promise<void>>();
  #window: NodeJS.Timeout | undefined;
  #isStopping = false;

  constructor(
    mapping: MappingSettings,
    pool: InstanceProvider,
    consumer: PartitionControl,
    destinations: DeliveryTarget['destinations'],
    log: Log,
  ) {
    this.#mapping = mapping;
    this.#pool = pool;
    this.#consumer = consumer;
    this.#destinations = destinations;
    this.#log = log;
  }

  isBusy(partition: number): boolean {
    return this.#partitions.get(partition)?.run !== undefined;
  }

  /** Accepts fetched messages of a partition up to, but not including, offset `end`. Call it only while it is not busy. */
  accept(number: number, messages: readonly KafkaMessage[], end: bigint): void {
    if (this.#isStopping) return;
    const partition = this.#partition(number);
    const since = partition.waitingSince ?? performance.now();
    partition.waitingSince = undefined;
    for (const message of messages)
      if (this.#isWanted(number, message))
        partition.entries.push(
          toEntry(kafkaRecord(this.#mapping.topic, number, message), message.offset, since),
        );
    partition.end = end;
    // If no record of a fetch is left, their offset is committed now: else they would be fetched at every start.
    if (partition.entries.length === 0 && messages.length > 0)
      this.#start([[number, partition]], 0);
    else this.#startDue();
  }

  /**
   * Continues after the consumer joined its group, with these partitions of this poller: it fetches from the committed
   * offsets. Records that were only gathered are dropped, and partitions with a batch in progress stay paused. The batch
   * of a partition that went to another member is aborted. Partitions without a committed offset begin at `startOf`.
   */
  onJoin(assigned: ReadonlySet<number>, startOf: (partition: number) => bigint | undefined): void {
    for (const run of this.#runs.keys()) {
      const lost = [...run.offsets.keys()].filter((number) => !assigned.has(number));
      if (lost.length > 0) run.abort('its partition went to another member of the group', lost);
    }
    for (const [number, partition] of this.#partitions) {
      if (partition.run !== undefined) {
        if (assigned.has(number)) this.#consumer.pause(number);
        continue;
      }
      // Without a committed offset the consumer could start at LATEST, after the dropped records.
      const from = drop(partition) ?? startOf(number);
      if (assigned.has(number)) this.#consumer.resume(number, from);
    }
    for (const number of assigned) {
      const from = this.#partitions.has(number) ? undefined : startOf(number);
      if (from !== undefined) this.#consumer.resume(number, from);
    }
    this.#waitForWindow();
  }

  /** Starts no further batch; resolves when the batches in progress, if any, are committed. */
  async finish(): Promise<void> {
    this.#isStopping = true;
    for (const partition of this.#partitions.values()) drop(partition);
    this.#waitForWindow();
    await Promise.all(this.#runs.values());
  }

  /** Aborts the batches in progress and kills their processes. */
  async abort(reason: string): Promise<void> {
    const ended = Promise.all(this.#runs.values());
    for (const run of this.#runs.keys()) run.abort(reason, [...run.offsets.keys()]);
    await ended;
  }

  #partition(number: number): Partition {
    const known = this.#partitions.get(number);
    if (known !== undefined) return known;
    const partition = { entries: [], end: 0n, waitingSince: undefined, run: undefined };
    this.#partitions.set(number, partition);
    return partition;
  }

  #isWanted(partition: number, { key, value, offset }: KafkaMessage): boolean {
    const { filters, topic } = this.#mapping;
    if (filters.length > 0 && !filters.some((matches) => matches(value))) return false;
    const bytes = (key?.length ?? 0) + (value?.length ?? 0);
    if (bytes <= maxDecompressedBytes) return true;
    this.#log.error(`${topic}-${partition}@${offset}: skipped, the record has ${bytes} bytes`);
    return false;
  }

  /** Returns the partitions with gathered records that are not busy, the one that has waited longest first. */
  #waiting(): [number, Partition][] {
    return [...this.#partitions]
      .filter(([, { run, entries }]) => run === undefined && entries.length > 0)
      .toSorted(([, a], [, b]) => fetchedAt(a) - fetchedAt(b));
  }

  /** Starts all batches that are full or whose window has ended. */
  #startDue(): void {
    for (;;) {
      const waiting = this.#waiting();
      const [[, oldest] = []] = waiting;
      const { length, full } = nextBatch(entriesOf(waiting), this.#mapping.batchSize);
      if (oldest === undefined || (!full && this.#windowOf(oldest) > 0)) break;
      this.#start(waiting, length);
    }
    this.#waitForWindow();
  }

  /** Returns the milliseconds until the window of the records of a partition ends. */
  #windowOf(partition: Partition): number {
    return Math.max(0, fetchedAt(partition) + this.#mapping.windowMs - performance.now());
  }

  #waitForWindow(): void {
    clearTimeout(this.#window);
    const [[, oldest] = []] = this.#waiting();
    this.#window =
      oldest === undefined ? undefined : setTimeout(() => this.#startDue(), this.#windowOf(oldest));
  }

  /** Starts a batch of the first `length` records of the partitions; with 0, their offset is only committed. */
  #start(partitions: readonly [number, Partition][], length: number): void {
    const batch: Entry[] = [];
    const offsets = new Map<number, { first: bigint; next: bigint }>();
    for (const [number, partition] of partitions) {
      const share = partition.entries.slice(0, length - batch.length);
      if (share.length === 0 && length > 0) break;
      partition.entries = partition.entries.slice(share.length);
      const next = partition.entries[0]?.offset ?? partition.end;
      offsets.set(number, { first: share[0]?.offset ?? next, next });
      for (const entry of share) batch.push(entry);
    }
    const run = new BatchRun(
      this.#mapping,
      batch,
      offsets,
      this.#pool,
      this.#destinations,
      this.#log,
    );
    for (const number of offsets.keys()) {
      this.#partition(number).run = run;
      this.#consumer.pause(number);
    }
    this.#runs.set(run, this.#process(run));
  }

  /** Never rejects. */
  async #process(run: BatchRun): Promise<void> {
    const isCommitted = await run.process((...call) => this.#consumer.commit(...call));
    this.#runs.delete(run);
    const partitions = [...run.offsets].map(([number, offsets]) => ({
      number,
      partition: this.#partition(number),
      offset: isCommitted ? offsets.next : offsets.first,
    }));
    for (const { partition } of partitions) partition.run = undefined;
    if (isCommitted) this.#startDue();
    for (const { number, partition, offset } of partitions) {
      if (partition.run !== undefined) continue;
      drop(partition);
      if (run.lost.has(number)) this.#consumer.resume(number);
      else this.#consumer.resume(number, offset);
    }
    this.#waitForWindow();
  }
}

function* entriesOf(partitions: readonly [number, Partition][]): Generator<Entry> {
  for (const [, { entries }] of partitions) yield* entries;
}

/** Returns when the first record of a partition was fetched. */
const fetchedAt = ({ entries }: Partition): number => entries[0]?.fetchedAt ?? Infinity;

/** Drops gathered records. Returns the offset from which to fetch them again. */
function drop(partition: Partition): bigint | undefined {
  const [first] = partition.entries;
  partition.waitingSince = first?.fetchedAt;
  partition.entries = [];
  return first?.offset;
}
