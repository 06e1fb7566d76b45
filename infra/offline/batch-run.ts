/**
 * A batch in progress: it is delivered (batch-delivery.ts) and committed when all its records are processed or given up.
 * One instance at a time runs for it: it is invoked again only after the previous invocation has ended, and its process
 * too if it was killed.
 */
import type { Entry } from './batch.ts';
import { type DeliveryTarget, deliverBatch } from './batch-delivery.ts';
import { errorMessage } from './errors.ts';
import type { KafkaEvent } from './event.ts';
import type { Instance, InvocationResult } from './instance.ts';
import type { Log } from './log.ts';
import type { MappingSettings } from './mapping-settings.ts';
import type { InstancePool } from './pool.ts';

export type InstanceProvider = Pick<InstancePool, 'acquire' | 'release'>;

export class BatchRun {
  /** By partition: the offset of its first record, and the one to commit. */
  readonly offsets: ReadonlyMap<number, { first: bigint; next: bigint }>;
  /** Partitions that went to another member of the group, which may have processed more of them. */
  readonly lost = new Set<number>();
  readonly #batch: readonly Entry[];
  readonly #target: DeliveryTarget;
  readonly #pool: InstanceProvider;
  readonly #controller = new AbortController();
  #instance: Instance | undefined;

  constructor(
    mapping: MappingSettings,
    batch: readonly Entry[],
    offsets: BatchRun['offsets'],
    pool: InstanceProvider,
    destinations: DeliveryTarget['destinations'],
    log: Log,
  ) {
    this.#batch = batch;
    this.offsets = offsets;
    this.#pool = pool;
    const invoke: DeliveryTarget['invoke'] = (...call) => this.#invoke(...call);
    this.#target = { mapping, destinations, log, invoke };
  }

  /** Returns whether the batch was committed; not if it was aborted. Never rejects. */
  async process(
    commit: (offsets: ReadonlyMap<number, bigint>, signal: AbortSignal) => Promise<void>,
  ): Promise<boolean> {
    const { signal } = this.#controller;
    try {
      if (this.#batch.length > 0) await deliverBatch(this.#target, this.#batch, signal);
      const offsets = new Map([...this.offsets].map(([number, { next }]) => [number, next]));
      await commit(offsets, signal);
      return true;
    } catch (error) {
      const { mapping, log } = this.#target;
      const places = [...this.offsets].map(
        ([number, { first }]) => `${mapping.topic}-${number}@${first}`,
      );
      log.warning(`${places.join(', ')}: batch aborted: ${errorMessage(error)}`);
      return false;
    } finally {
      if (this.#instance !== undefined) this.#pool.release(this.#instance);
      this.#instance = undefined;
    }
  }

  /** Aborts the batch and kills its process. `lost` are the partitions because of which. */
  abort(reason: string, lost: readonly number[]): void {
    for (const number of lost) this.lost.add(number);
    this.#controller.abort(new Error(reason));
    this.#instance?.kill(reason);
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
}
