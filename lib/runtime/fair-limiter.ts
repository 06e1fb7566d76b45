import { Refusal } from './errors.ts';

/** A bound that is absent is none. */
interface Bounds {
  /** How many run at a time, of all callers together. */
  running?: number;
  /** How many run at a time, of one caller. */
  runningOfCaller?: number;
  /** How many wait, of all callers together. */
  waiting?: number;
  /** How many wait, of one caller. */
  waitingOfCaller?: number;
}

/**
 * Lets a few run at a time; the others wait, and callers take turns, so that one with many does not hold up one
 * with few. A process has one of these for each thing of which many at once would slow everything else.
 */
export class Turns {
  readonly #bounds: Required<Bounds>;
  readonly #running = new Map<string, number>();
  #runningCount = 0;
  /** By caller, in the order of their turns. */
  readonly #waiting = new Map<string, Set<() => void>>();
  #waitingCount = 0;

  constructor({
    running = Infinity,
    runningOfCaller = Infinity,
    waiting = Infinity,
    waitingOfCaller = Infinity,
  }: Bounds) {
    this.#bounds = { running, runningOfCaller, waiting, waitingOfCaller };
  }

  /** Runs `work` when it is this caller's turn. Throws `unavailable` at once if too many wait. */
  async run<T>(caller: string, work: () => Promise<T>): Promise<T> {
    if (!this.#begin(caller)) await this.#wait(caller);
    try {
      return await work();
    } finally {
      this.end(caller);
    }
  }

  /**
   * Resolves to true when it is this caller's turn, which `end` ends, or to false if that is not within so many
   * milliseconds. Throws `unavailable` at once if too many wait.
   */
  async take(caller: string, milliseconds: number): Promise<boolean> {
    return this.#begin(caller) || this.#wait(caller, milliseconds);
  }

  /** Ends a turn that `take` gave. Its place goes to the next, without being free in between. */
  end(caller: string): void {
    this.#runningCount--;
    const left = this.#runningOf(caller) - 1;
    if (left > 0) this.#running.set(caller, left);
    else this.#running.delete(caller);
    for (const [next, line] of this.#waiting) {
      const [start] = line;
      if (!start || !this.#begin(next)) continue;
      line.delete(start);
      this.#waiting.delete(next);
      // Behind the others: the rest of a caller with many comes after them.
      if (line.size > 0) this.#waiting.set(next, line);
      start();
      return;
    }
  }

  #runningOf(caller: string): number {
    return this.#running.get(caller) ?? 0;
  }

  #begin(caller: string): boolean {
    const { running, runningOfCaller } = this.#bounds;
    const ofCaller = this.#runningOf(caller);
    if (this.#runningCount >= running || ofCaller >= runningOfCaller) return false;
    this.#runningCount++;
    this.#running.set(caller, ofCaller + 1);
    return true;
  }

  async #wait(caller: string, milliseconds?: number): Promise<boolean> {
    const line = this.#waiting.get(caller) ?? new Set();
    if (this.#waitingCount >= this.#bounds.waiting || line.size >= this.#bounds.waitingOfCaller)
      throw new Refusal(
        'unavailable',
        'Too many ask for this at the moment. Try again in a few seconds.',
      );
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const start = (): void => {
      this.#waitingCount--;
      resolve(true);
    };
    line.add(start);
    this.#waiting.set(caller, line);
    this.#waitingCount++;
    const timer =
      milliseconds === undefined
        ? undefined
        : setTimeout(() => {
            if (!line.delete(start)) return;
            if (line.size === 0) this.#waiting.delete(caller);
            this.#waitingCount--;
            resolve(false);
          }, milliseconds);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }
}
