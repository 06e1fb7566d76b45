import { setTimeout } from 'node:timers/promises';

interface BackoffLimits {
  firstMs: number;
  maxMs: number;
}

/**
 * Returns the delay before the next attempt, in milliseconds: `firstMs` after the first failure, doubled with each
 * further one up to `maxMs`, plus up to half of that at random, so that callers that failed together do not all
 * return together.
 *
 * @param failures attempts that failed before this failure, 0 for the first one
 */
export function backoffMs(failures: number, { firstMs, maxMs }: BackoffLimits): number {
  return Math.min(maxMs, firstMs * 2 ** failures) * (1 + Math.random() / 2);
}

/** Waits `delayMs`. Throws the signal's reason as soon as it aborts. */
export async function sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
  try {
    await setTimeout(delayMs, undefined, { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}
