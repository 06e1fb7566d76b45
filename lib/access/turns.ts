import { Refusal } from '../runtime/errors.ts';

interface Bounds {
  /** How many run at a time. */
  running: number;
  /** How many wait, of all callers together. */
  waiting: number;
  /** How many wait, of one caller. */
  waitingOfCaller: number;
}

/**
 * Lets a few run at a time; the others wait, and callers take turns, so that one with many does not hold up one
 * with few. A process has one of these for each thing of which many at once would slow everything else.
 */
export class Turns {
  readonly #bounds: Bounds;
  /** By caller, in the order of their turns. */
  readonly #waiting = new Map<string, (() => void)[]>();
  #running = 0;
  #waitingCount = 0;

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
  }

  /** Runs `work` when it is this caller's turn. Throws `unavailable` at once if too many wait. */
  async take<T>(caller: string, work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#bounds.running) await this.#wait(caller);
    else this.#running++;
    try {
      return await work();
    } finally {
      this.#next();
    }
  }

  #wait(caller: string): Promise<void> {
    const line = this.#waiting.get(caller) ?? [];
    if (this.#waitingCount >= this.#bounds.waiting || line.length >= this.#bounds.waitingOfCaller)
      throw new Refusal(
        'unavailable',
        'Too many ask for this at the moment. Try again in a few seconds.',
      );
    const { promise, resolve } = Promise.withResolvers<void>();
    line.push(resolve);
    this.#waiting.set(caller, line);
    this.#waitingCount++;
    return promise;
  }

  /** The place of the one that has ended goes to the next, without being free in between. */
  #next(): void {
    for (const [caller, line] of this.#waiting) {
      this.#waiting.delete(caller);
      const start = line.shift();
      if (line.length > 0) this.#waiting.set(caller, line);
      if (!start) continue;
      this.#waitingCount--;
      start();
      return;
    }
    this.#running--;
  }
}
