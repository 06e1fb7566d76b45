/**
 * One partition of a mapping: gathers records into batches and has each of them processed, in
 * order, before the next.
 *
 * States: *gathering* (the consumer fetches the partition; records wait until the batch is full or
 * the window, counted from the first of them, is over) and *busy* (the partition is paused; a batch
 * is invoked and committed, and the next, as long as one is due; then the partition is resumed).
 *
 * - It is only ever resumed at the offset committed last; records at hand beyond it are dropped and
 *   fetched again. kafkajs keeps a seek until its next fetch of the partition, across a rebalance
 *   too: one past records that are not done yet would skip them if those were dropped meanwhile.
 * - A batch is invoked again, the same records from the same offset, until it succeeds.
 * - At most one instance at a time works for the partition: it is invoked again only after the
 *   former invocation is over, its process gone if it was ended.
 * - Memory: less than one batch or 6 MB, plus one fetch.
 */
import type { KafkaMessage } from 'kafkajs';
import { type Entry, entryOf, nextBatch } from './batch.ts';
import { mskEvent, mskRecord } from './event.ts';
import type { Instance } from './instance.ts';
import type { Log } from './log.ts';
import type { InstancePool } from './pool.ts';
import { messageOf, pause, retryDelay } from './retry.ts';
import type { MappingSettings } from './settings.ts';

/** What a lane asks of the consumer that feeds it. */
export interface PartitionControl {
  pause(partition: number): void;
  /** Fetches the partition again, from `offset` on; without it, from where the consumer last joined. */
  resume(partition: number, offset?: bigint): void;
  /** Resolves when the broker has the offset, whatever happens to the consumer meanwhile; throws when aborted. */
  commit(partition: number, offset: bigint, signal: AbortSignal): Promise<void>;
}

/**
 * A record of more is passed over. AWS gives a function none over 6 MB; here it may have some more, to put it
 * aside, but 1 MB of gzip can hold 1 GB, which no event could carry.
 */
const MAX_DELIVERED_BYTES = 32 * 1024 * 1024;

export type Instances = Pick<InstancePool, 'acquire' | 'release'>;

interface Run {
  readonly controller: AbortController;
  readonly finished: Promise<void>;
}

export class Lane {
  readonly #mapping: MappingSettings;
  readonly #partition: number;
  readonly #pool: Instances;
  readonly #consumer: PartitionControl;
  readonly #log: Log;
  #entries: Entry[] = [];
  /** The offset after the last entry, with what the broker has in between and shows nobody (transaction markers). */
  #end = 0n;
  #window: NodeJS.Timeout | undefined;
  /** When the records dropped last were first fetched, from which their window counts. */
  #waitingSince: number | undefined;
  #run: Run | undefined;
  #instance: Instance | undefined;

  constructor(
    mapping: MappingSettings,
    partition: number,
    pool: Instances,
    consumer: PartitionControl,
    log: Log,
  ) {
    this.#mapping = mapping;
    this.#partition = partition;
    this.#pool = pool;
    this.#consumer = consumer;
    this.#log = log;
  }

  get busy(): boolean {
    return this.#run !== undefined;
  }

  /** Takes what was fetched, up to and not including offset `end`. Only while it is not busy. */
  take(messages: readonly KafkaMessage[], end: bigint): void {
    const takenAt = this.#waitingSince ?? performance.now();
    this.#waitingSince = undefined;
    for (const message of messages) {
      const bytes = (message.key?.length ?? 0) + (message.value?.length ?? 0);
      if (bytes > MAX_DELIVERED_BYTES) {
        this.#log.error(
          `${this.#place(BigInt(message.offset))}: not delivered, it has ${bytes} bytes; it stays in the topic`,
        );
        continue;
      }
      this.#entries.push(
        entryOf(mskRecord(this.#mapping.topic, this.#partition, message), message.offset, takenAt),
      );
    }
    this.#end = end;
    const wait = this.#dueIn();
    // With nothing left of a fetch there is no batch to commit it with: it would come again after each start.
    if (wait === 0 || (this.#entries.length === 0 && messages.length > 0)) this.#start();
    else if (wait !== Infinity) this.#window ??= setTimeout(() => this.#start(), wait);
  }

  /** Drops the records at hand, but for the batch under way: they are to be fetched again from the offset returned. */
  reset(): bigint | undefined {
    clearTimeout(this.#window);
    this.#window = undefined;
    return this.#drop();
  }

  /** Takes nothing more on; resolves when the batch under way, if there is one, is committed. */
  async finish(): Promise<void> {
    this.#end = this.reset() ?? this.#end;
    await this.#run?.finished;
  }

  /** Gives up the batch under way, ending its process. */
  async abort(reason: string): Promise<void> {
    this.#run?.controller.abort(new Error(reason));
    this.#instance?.kill(reason);
    await this.#run?.finished;
  }

  #drop(): bigint | undefined {
    const [first] = this.#entries;
    this.#waitingSince = first?.takenAt;
    this.#entries = [];
    return first?.offset;
  }

  /** Milliseconds until the next batch is due: none if it is full or its window is over, endless without a record. */
  #dueIn(): number {
    const [first] = this.#entries;
    if (first === undefined) return Infinity;
    const { batchSize, windowMs } = this.#mapping;
    return nextBatch(this.#entries, batchSize).full
      ? 0
      : Math.max(0, first.takenAt + windowMs - performance.now());
  }

  #start(): void {
    clearTimeout(this.#window);
    this.#window = undefined;
    const controller = new AbortController();
    this.#consumer.pause(this.#partition);
    this.#run = { controller, finished: this.#process(controller.signal) };
  }

  /** Never rejects. */
  async #process(signal: AbortSignal): Promise<void> {
    let next = this.#entries[0]?.offset ?? this.#end;
    try {
      do {
        const { length } = nextBatch(this.#entries, this.#mapping.batchSize);
        const batch = this.#entries.slice(0, length);
        this.#entries = this.#entries.slice(length);
        if (batch.length > 0) await this.#invokeUntilDone(batch, signal);
        const after = this.#entries[0]?.offset ?? this.#end;
        await this.#consumer.commit(this.#partition, after, signal);
        next = after;
      } while (this.#dueIn() === 0);
    } catch (error) {
      this.#log.warning(`${this.#place(next)}: given up: ${messageOf(error)}`);
    } finally {
      if (this.#instance !== undefined) this.#pool.release(this.#instance);
      this.#instance = undefined;
      this.#run = undefined;
      this.#drop();
      if (signal.aborted) this.#consumer.resume(this.#partition);
      else this.#consumer.resume(this.#partition, next);
    }
  }

  async #invokeUntilDone(batch: readonly Entry[], signal: AbortSignal): Promise<void> {
    const event = mskEvent(
      this.#mapping,
      this.#partition,
      batch.map(({ record }) => record),
    );
    for (let failures = 0; ; failures += 1) {
      this.#instance = this.#instance?.alive ? this.#instance : this.#pool.acquire();
      const { name } = this.#instance;
      const outcome = await this.#instance.invoke(event);
      signal.throwIfAborted();
      if (outcome.done) return;

      const wait = retryDelay(failures);
      const place = this.#place(batch[0]?.offset);
      this.#log.warning(
        `${name}: ${place} (${batch.length} records) failed: ${outcome.reason}; again in ${wait} ms`,
      );
      // One that is gone is replaced now, so that the next has loaded by the time it is invoked.
      if (!this.#instance.alive && outcome.unloaded !== true) this.#instance = this.#pool.acquire();
      await pause(wait, signal);
    }
  }

  #place(offset: bigint | undefined): string {
    return `${this.#mapping.topic}-${this.#partition}@${offset}`;
  }
}
