/**
 * Processes one partition of a mapping: gathers records into batches and invokes the function with
 * one batch after the other.
 *
 * States: *gathering* (the consumer fetches the partition; records wait until the batch is full or
 * the window, counted from the first record, ends) and *busy* (the partition is paused; batches are
 * invoked and committed as long as one is due; then the partition is resumed).
 *
 * - The partition is always resumed at the last committed offset; gathered records after it are
 *   dropped and fetched again. kafkajs keeps a seek until its next fetch of the partition, also across
 *   a rebalance: a seek past unprocessed records would skip them if they were dropped meanwhile.
 * - A failed batch is invoked again (batch-delivery.ts), and committed when all its records are processed or given up.
 * - At most one instance at a time runs for the partition: a batch is invoked again only after the
 *   previous invocation has ended, and its process too if it was killed.
 * - Memory: less than one batch or 6 MB, plus one fetch.
 */
import type { KafkaMessage } from 'kafkajs';
import { type Entry, nextBatch, toEntry } from './batch.ts';
import { type DeliveryTarget, deliverBatch } from './batch-delivery.ts';
import { errorMessage } from './errors.ts';
import { type KafkaEvent, kafkaRecord } from './event.ts';
import type { Instance, InvocationResult } from './instance.ts';
import type { Log } from './log.ts';
import type { MappingSettings } from './mapping-settings.ts';
import type { InstancePool } from './pool.ts';

/** What a processor needs from its consumer. */
export interface PartitionControl {
  pause(partition: number): void;
  /** Resumes fetching at `offset`; without it, where the consumer started when it joined. */
  resume(partition: number, offset?: bigint): void;
  /** Resolves when the broker has the offset, even if the consumer is replaced meanwhile; throws if aborted. */
  commit(partition: number, offset: bigint, signal: AbortSignal): Promise<void>;
}

/**
 * Larger records are skipped. AWS gives up a record for which no payload has room, and its destination gets it; but
 * 1 MB of gzip can contain 1 GB, which no message could carry.
 */
const maxDecompressedBytes = 32 * 1024 * 1024;

export type InstanceProvider = Pick<InstancePool, 'acquire' | 'release'>;

interface BatchRun {
  controller: AbortController;
  finished: Promise<void>;
}

export class PartitionProcessor {
  readonly #mapping: MappingSettings;
  readonly #partition: number;
  readonly #pool: InstanceProvider;
  readonly #consumer: PartitionControl;
  readonly #target: DeliveryTarget;
  readonly #log: Log;
  #entries: Entry[] = [];
  /** The offset after the last entry and after the transaction markers that follow it, which no consumer gets. */
  #end = 0n;
  #window: NodeJS.Timeout | undefined;
  /** When the records that were dropped last had first been fetched: their window counts from then. */
  #waitingSince: number | undefined;
  #current: BatchRun | undefined;
  #instance: Instance | undefined;

  constructor(
    mapping: MappingSettings,
    partition: number,
    pool: InstanceProvider,
    consumer: PartitionControl,
    destinations: DeliveryTarget['destinations'],
    log: Log,
  ) {
    this.#mapping = mapping;
    this.#partition = partition;
    this.#pool = pool;
    this.#consumer = consumer;
    this.#log = log;
    this.#target = {
      mapping,
      partition,
      destinations,
      log,
      invoke: (event, requestId, signal) => this.#invoke(event, requestId, signal),
    };
  }

  get busy(): boolean {
    return this.#current !== undefined;
  }

  /** Accepts fetched messages up to, but not including, offset `end`. Call it only while not busy. */
  accept(messages: readonly KafkaMessage[], end: bigint): void {
    const fetchedAt = this.#waitingSince ?? performance.now();
    this.#waitingSince = undefined;
    for (const message of messages) {
      if (!this.#isWanted(message)) continue;
      const bytes = (message.key?.length ?? 0) + (message.value?.length ?? 0);
      if (bytes > maxDecompressedBytes) {
        this.#log.error(
          `${this.#place(BigInt(message.offset))}: skipped, the record has ${bytes} bytes`,
        );
        continue;
      }
      this.#entries.push(
        toEntry(
          kafkaRecord(this.#mapping.topic, this.#partition, message),
          message.offset,
          fetchedAt,
        ),
      );
    }
    this.#end = end;
    const wait = this.#dueIn();
    // If no record of a fetch is left, their offset is committed now: else they would be fetched at every start.
    if (wait === 0 || (this.#entries.length === 0 && messages.length > 0)) this.#start();
    else if (wait !== Infinity) this.#window ??= setTimeout(() => this.#start(), wait);
  }

  #isWanted({ value }: KafkaMessage): boolean {
    const { filters } = this.#mapping;
    return filters.length === 0 || filters.some((matches) => matches(value));
  }

  /** Drops gathered records, except the batch in progress. Returns the offset from which to fetch them again. */
  reset(): bigint | undefined {
    clearTimeout(this.#window);
    this.#window = undefined;
    return this.#drop();
  }

  /** Starts no further batch; resolves when the batch in progress, if any, is committed. */
  async finish(): Promise<void> {
    this.#end = this.reset() ?? this.#end;
    await this.#current?.finished;
  }

  /** Aborts the batch in progress and kills its process. */
  async abort(reason: string): Promise<void> {
    this.#current?.controller.abort(new Error(reason));
    this.#instance?.kill(reason);
    await this.#current?.finished;
  }

  #drop(): bigint | undefined {
    const [first] = this.#entries;
    this.#waitingSince = first?.fetchedAt;
    this.#entries = [];
    return first?.offset;
  }

  /** Returns the milliseconds until the next batch is due: 0 if it is full or its window has ended, Infinity without records. */
  #dueIn(): number {
    const [first] = this.#entries;
    if (first === undefined) return Infinity;
    const { batchSize, windowMs } = this.#mapping;
    return nextBatch(this.#entries, batchSize).full
      ? 0
      : Math.max(0, first.fetchedAt + windowMs - performance.now());
  }

  #start(): void {
    clearTimeout(this.#window);
    this.#window = undefined;
    const controller = new AbortController();
    this.#consumer.pause(this.#partition);
    this.#current = { controller, finished: this.#process(controller.signal) };
  }

  /** Never rejects. */
  async #process(signal: AbortSignal): Promise<void> {
    let nextOffset = this.#entries[0]?.offset ?? this.#end;
    try {
      do {
        const { length } = nextBatch(this.#entries, this.#mapping.batchSize);
        const batch = this.#entries.slice(0, length);
        this.#entries = this.#entries.slice(length);
        if (batch.length > 0) await deliverBatch(this.#target, batch, signal);
        const end = this.#entries[0]?.offset ?? this.#end;
        await this.#consumer.commit(this.#partition, end, signal);
        nextOffset = end;
      } while (this.#dueIn() === 0);
    } catch (error) {
      this.#log.warning(`${this.#place(nextOffset)}: batch aborted: ${errorMessage(error)}`);
    } finally {
      if (this.#instance !== undefined) this.#pool.release(this.#instance);
      this.#instance = undefined;
      this.#current = undefined;
      this.#drop();
      if (signal.aborted) this.#consumer.resume(this.#partition);
      else this.#consumer.resume(this.#partition, nextOffset);
    }
  }

  async #invoke(
    event: KafkaEvent,
    requestId: string,
    signal: AbortSignal,
  ): Promise<InvocationResult> {
    this.#instance = this.#instance?.alive ? this.#instance : this.#pool.acquire();
    const { name } = this.#instance;
    const result = await this.#instance.invoke(event, requestId);
    signal.throwIfAborted();
    if (result.done) return result;
    // An instance that has ended is replaced now, so that the next one is loaded by the time of the retry.
    if (!this.#instance.alive && result.unloaded !== true) this.#instance = this.#pool.acquire();
    return { ...result, reason: `${name}: ${result.reason}` };
  }

  #place(offset: bigint | undefined): string {
    return `${this.#mapping.topic}-${this.#partition}@${offset}`;
  }
}
