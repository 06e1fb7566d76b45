/**
 * Lets so many have their turn at a time, the others in the order in which they came. What is for all
 * processes is decided in the catalogue; here those of one process wait without asking it again and again.
 */
export class Turns {
  readonly #most: number;
  #taken = 0;
  readonly #waiting = new Set<() => void>();

  constructor(most: number) {
    this.#most = most;
  }

  /** Whether nobody has a turn or waits for one. */
  get idle(): boolean {
    return this.#taken === 0;
  }

  /** Resolves to true when it is one's turn, which is to be ended, or to false after that many milliseconds. */
  async take(milliseconds: number): Promise<boolean> {
    if (this.#taken < this.#most) {
      this.#taken++;
      return true;
    }
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const begin = (): void => resolve(true);
    this.#waiting.add(begin);
    const timer = setTimeout(() => {
      if (this.#waiting.delete(begin)) resolve(false);
    }, milliseconds);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }

  end(): void {
    const [next] = this.#waiting;
    if (next) {
      // The turn goes on to whoever waits longest.
      this.#waiting.delete(next);
      next();
    } else this.#taken--;
  }
}
