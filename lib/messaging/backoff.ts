import { backoffMs } from '../runtime/retry.ts';

const limits = { firstMs: 100, maxMs: 2_700 };

/**
 * Delays the attempts that follow a failure. The delay doubles with each failure, up to about 4 s, with a random
 * share, so that many callers do not retry at the same time.
 */
export class Backoff {
  #failures = 0;
  #until = 0;

  get waits(): boolean {
    return performance.now() < this.#until;
  }

  failed(): void {
    this.#until = performance.now() + backoffMs(this.#failures, limits);
    this.#failures = Math.min(10, this.#failures + 1);
  }

  succeeded(): void {
    this.#failures = 0;
    this.#until = 0;
  }
}
