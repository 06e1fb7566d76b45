import { AppError } from './errors.ts';

/** An absent limit is infinite. */
interface Limits {
  /** Turns at a time, of all callers. */
  running?: number;
  /** Turns at a time, of one caller. */
  runningOfCaller?: number;
  /** Waiting requests for a turn, of all callers. */
  waiting?: number;
  /** Waiting requests for a turn, of one caller. */
  waitingOfCaller?: number;
}

/** Ends a turn. Further calls have no effect. */
type EndTurn = () => void;

/**
 * Limits how much runs at a time, and serves callers round-robin, so that a caller with many requests does not delay
 * one with few. A process has a limiter for each resource that too much concurrency would slow down for all.
 */
export class FairLimiter {
  readonly #limits: Required<Limits>;
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
  }: Limits) {
    this.#limits = { running, runningOfCaller, waiting, waitingOfCaller };
  }

  /** Runs `work` in a turn of the caller. Throws `unavailable` at once if too many requests wait. */
  async run<T>(caller: string, work: () => Promise<T>): Promise<T> {
    const endTurn = await this.acquire(caller);
    try {
      return await work();
    } finally {
      endTurn();
    }
  }

  /**
   * Waits for a turn of the caller and returns the function that ends it, or undefined if the turn does not come
   * within `timeoutMs`. Throws `unavailable` at once if too many requests wait.
   */
  acquire(caller: string): Promise<EndTurn>;
  acquire(caller: string, timeoutMs: number): Promise<EndTurn | undefined>;
  async acquire(caller: string, timeoutMs?: number): Promise<EndTurn | undefined> {
    if (!this.#tryStart(caller) && !(await this.#wait(caller, timeoutMs))) return undefined;
    let isEnded = false;
    return () => {
      if (!isEnded) this.#release(caller);
      isEnded = true;
    };
  }

  /** Passes the place directly to the next caller, so that no later request can take it first. */
  #release(caller: string): void {
    this.#runningCount--;
    const left = this.#runningOf(caller) - 1;
    if (left > 0) this.#running.set(caller, left);
    else this.#running.delete(caller);
    for (const [next, queue] of this.#waiting) {
      const [start] = queue;
      if (!start || !this.#tryStart(next)) continue;
      queue.delete(start);
      this.#waiting.delete(next);
      // Inserted last: the caller's other requests wait until every other caller had a turn.
      if (queue.size > 0) this.#waiting.set(next, queue);
      start();
      return;
    }
  }

  #runningOf(caller: string): number {
    return this.#running.get(caller) ?? 0;
  }

  #tryStart(caller: string): boolean {
    const { running, runningOfCaller } = this.#limits;
    const ofCaller = this.#runningOf(caller);
    if (this.#runningCount >= running || ofCaller >= runningOfCaller) return false;
    this.#runningCount++;
    this.#running.set(caller, ofCaller + 1);
    return true;
  }

  async #wait(caller: string, timeoutMs?: number): Promise<boolean> {
    const queue = this.#waiting.get(caller) ?? new Set();
    if (this.#waitingCount >= this.#limits.waiting || queue.size >= this.#limits.waitingOfCaller)
      throw new AppError(
        'unavailable',
        'Too many requests of this type are waiting. Try again in a few seconds.',
      );
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const start = (): void => {
      this.#waitingCount--;
      resolve(true);
    };
    queue.add(start);
    this.#waiting.set(caller, queue);
    this.#waitingCount++;
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            if (!queue.delete(start)) return;
            if (queue.size === 0) this.#waiting.delete(caller);
            this.#waitingCount--;
            resolve(false);
          }, timeoutMs);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }
}
