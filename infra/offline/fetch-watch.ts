import type { Log } from './log.ts';

/** Silence of the broker is logged after so long, and again whenever it has lasted twice as long. */
const SILENCE_MS = 5000;

/** A consumer that did not even try to fetch for so long has stalled: by then it has given up connecting. */
const STALLED_MS = 120_000;

/** Sees to it that a consumer does not stop to consume unnoticed. */
export class FetchWatch {
  readonly #what: string;
  readonly #log: Log;
  readonly #timer: NodeJS.Timeout;
  #lastTry = performance.now();
  #lastFetch = performance.now();
  #reportAfter = SILENCE_MS;

  /** @param onStalled called when the consumer no longer even tries */
  constructor(what: string, log: Log, onStalled: (error: Error) => void) {
    this.#what = what;
    this.#log = log;
    this.#timer = setInterval(() => {
      const now = performance.now();
      if (now - this.#lastTry > STALLED_MS)
        onStalled(new Error(`no fetch tried for ${STALLED_MS / 1000} s`));
      else if (now - this.#lastFetch > this.#reportAfter) {
        this.#log.warning(
          `${what}: nothing from the broker for ${this.#silence(now)} s, still trying`,
        );
        this.#reportAfter *= 2;
      }
    }, 1000);
  }

  tried(): void {
    this.#lastTry = performance.now();
  }

  /** An answer to a fetch, be it an empty one. */
  fetched(): void {
    const now = performance.now();
    if (this.#reportAfter > SILENCE_MS)
      this.#log.notice(`${this.#what}: broker is back after ${this.#silence(now)} s`);
    this.#lastFetch = now;
    this.#reportAfter = SILENCE_MS;
  }

  end(): void {
    clearInterval(this.#timer);
  }

  #silence(now: number): number {
    return Math.round((now - this.#lastFetch) / 1000);
  }
}
