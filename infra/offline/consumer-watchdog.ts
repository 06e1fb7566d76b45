import type { Log } from './log.ts';

/** Silence of the broker is logged after 5 s, and again each time its duration has doubled. */
const warnAfterMs = 5000;

/** A consumer without a fetch attempt for 120 s has stalled: by then it has stopped trying to connect. */
const stalledAfterMs = 120_000;

/**
 * A member sends a heartbeat every 3 s. If kafkajs fails to join the group again after the broker has evicted it, it
 * goes on to fetch without being a member: it sends no heartbeats, and each of its commits fails.
 */
const expelledAfterMs = 20_000;

/** Notices when a consumer stops consuming, or is no longer a member of its group. */
export class ConsumerWatchdog {
  readonly #what: string;
  readonly #log: Log;
  readonly #timer: NodeJS.Timeout;
  #lastAttemptAt = performance.now();
  #lastFetchAt = performance.now();
  #lastHeartbeatAt = performance.now();
  #warnAfterMs = warnAfterMs;

  /** `onStalled` is called when the consumer no longer tries to fetch, or fetches without sending heartbeats. */
  constructor(what: string, log: Log, onStalled: (error: Error) => void) {
    this.#what = what;
    this.#log = log;
    this.#timer = setInterval(() => {
      const now = performance.now();
      if (now - this.#lastAttemptAt > stalledAfterMs)
        onStalled(new Error(`no fetch attempt for ${stalledAfterMs / 1000} s`));
      else if (
        now - this.#lastHeartbeatAt > expelledAfterMs &&
        now - this.#lastFetchAt < warnAfterMs
      )
        onStalled(
          new Error(`no heartbeat for ${this.#secondsSince(this.#lastHeartbeatAt, now)} s`),
        );
      else if (now - this.#lastFetchAt > this.#warnAfterMs) {
        this.#log.warning(
          `${what}: no answer from the broker for ${this.#silence(now)} s, still trying`,
        );
        this.#warnAfterMs *= 2;
      }
    }, 1000);
  }

  onFetchAttempt(): void {
    this.#lastAttemptAt = performance.now();
  }

  /** Call it for every answer to a fetch, also an empty one. */
  onFetch(): void {
    const now = performance.now();
    if (this.#warnAfterMs > warnAfterMs)
      this.#log.notice(`${this.#what}: broker answered again after ${this.#silence(now)} s`);
    this.#lastFetchAt = now;
    this.#warnAfterMs = warnAfterMs;
  }

  /** Call it when the consumer has joined its group, and for every heartbeat that the broker has answered. */
  onHeartbeat(): void {
    this.#lastHeartbeatAt = performance.now();
  }

  end(): void {
    clearInterval(this.#timer);
  }

  #silence(now: number): number {
    return this.#secondsSince(this.#lastFetchAt, now);
  }

  #secondsSince(time: number, now: number): number {
    return Math.round((now - time) / 1000);
  }
}
