const firstMilliseconds = 200;
const mostMilliseconds = 4_000;

/**
 * When something that failed may be tried again: after twice as long with each failure, up to 4 s, of
 * which at least half has to pass and the rest is chance, so that many do not come back at once.
 */
export class Backoff {
  #failures = 0;
  #until = 0;

  get waits(): boolean {
    return performance.now() < this.#until;
  }

  failed(): void {
    const most = Math.min(mostMilliseconds, firstMilliseconds * 2 ** this.#failures);
    this.#until = performance.now() + most * (0.5 + Math.random() / 2);
    this.#failures = Math.min(10, this.#failures + 1);
  }

  succeeded(): void {
    this.#failures = 0;
    this.#until = 0;
  }
}
