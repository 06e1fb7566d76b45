/** After this time a gap counts as filled: messages that are sent again do not say which is the last. */
const refillMs = 30_000;

/**
 * The cursors of the messages. Each message names the cursor of the one before it, so that a missing message is
 * noticed. `cursor` is where the next connection continues.
 */
export class Chain {
  #last: string | null = null;
  /** What was asked for again, and may not have arrived. */
  #refill: { from: string; until: number } | null = null;
  #accepts = false;

  get cursor(): string | null {
    return this.#refill && this.#refill.until > Date.now() ? this.#refill.from : this.#last;
  }

  /** To be called for a new connection: its first message continues from `cursor`, or anywhere without one. */
  startConnection(): void {
    this.#last = this.cursor;
    this.#refill = null;
    this.#accepts = this.#last === null;
  }

  /** Forgets all cursors: the next message may start anywhere. */
  forget(): void {
    this.#last = null;
    this.#refill = null;
    this.#accepts = true;
  }

  /** The readings up to a cursor are not sent any more; the next message starts there. */
  continueFrom(next: string): void {
    this.#last = next;
    this.#refill = null;
    this.#accepts = false;
  }

  /** Takes over a message. Returns the cursor to subscribe from if messages are missing before it, else null. */
  accept(prev: string, next: string): string | null {
    const last = this.#last;
    this.#last = next;
    if (this.#accepts || last === null || prev === last) {
      this.#accepts = false;
      return null;
    }
    if (this.#refill?.from === prev) {
      // The server sends again what was missing, message by message.
      this.#refill = { from: next, until: Date.now() + refillMs };
      this.#last = last;
      if (next === last) this.#refill = null;
      return null;
    }
    // A second gap before the first is filled: all since the first one is asked for.
    const from = this.#refill?.from ?? last;
    this.#refill = { from, until: Date.now() + refillMs };
    return from;
  }
}
