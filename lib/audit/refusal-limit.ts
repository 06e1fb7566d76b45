/** Entries of one address, and of all, in a window. */
interface RefusalLimits {
  ofAddress: number;
  ofAll: number;
  windowMs: number;
}

/**
 * Decides which refusals of anonymous callers get an entry, so that a caller who floods the door does not fill the catalogue:
 * the first ones of each address in a window. The next entry of the address says how many had none.
 */
export class RefusalLimit {
  readonly #limits: RefusalLimits;
  readonly #now: () => number;
  #windowEnd = Number.NEGATIVE_INFINITY;
  #recorded = 0;
  readonly #addresses = new Map<string, { recorded: number; omitted: number }>();

  constructor(limits: RefusalLimits, now: () => number = () => performance.now()) {
    this.#limits = limits;
    this.#now = now;
  }

  /** Returns how many refusals of the address had no entry since its last one, undefined if this one gets none either. */
  omittedBefore(address: string): number | undefined {
    const { ofAddress, ofAll, windowMs } = this.#limits;
    if (this.#now() >= this.#windowEnd) {
      this.#windowEnd = this.#now() + windowMs;
      this.#recorded = 0;
      // Only addresses with something left to say are kept.
      for (const [known, counts] of this.#addresses)
        if (counts.omitted === 0) this.#addresses.delete(known);
        else counts.recorded = 0;
    }
    const counts = this.#addresses.get(address) ?? { recorded: 0, omitted: 0 };
    if (counts.recorded >= ofAddress || this.#recorded >= ofAll) {
      counts.omitted++;
      if (this.#addresses.size < maxAddresses || this.#addresses.has(address))
        this.#addresses.set(address, counts);
      return undefined;
    }
    const { omitted } = counts;
    this.#recorded++;
    this.#addresses.set(address, { recorded: counts.recorded + 1, omitted: 0 });
    return omitted;
  }
}

/** Bounds the memory of a process. */
const maxAddresses = 10_000;
