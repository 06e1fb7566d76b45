/** Messages of one connection at once, and a second. */
const atOnce = 50;
const perSecond = 10;

/** Limits the messages of each connection that come to this process. */
export class MessageRate {
  /** How many messages a connection may send, and when that was computed. */
  readonly #left = new Map<string, { messages: number; at: number }>();

  /** Returns whether a connection may send a message, and counts it. */
  allows(connectionId: string, now: number = performance.now()): boolean {
    const known = this.#left.get(connectionId);
    const messages = known
      ? Math.min(atOnce, known.messages + ((now - known.at) / 1_000) * perSecond)
      : atOnce;
    if (messages < 1) return false;
    // Inserted last, so that the first ones are those that have been silent for the longest time.
    this.#left.delete(connectionId);
    this.#left.set(connectionId, { messages: messages - 1, at: now });
    this.#forget(now);
    return true;
  }

  /** Forgets connections that may send as many messages as new ones. */
  #forget(now: number): void {
    for (const [connectionId, { at }] of this.#left) {
      if (now - at < (atOnce / perSecond) * 1_000) return;
      this.#left.delete(connectionId);
    }
  }
}
