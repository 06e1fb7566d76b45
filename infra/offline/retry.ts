import { setTimeout as delay } from 'node:timers/promises';

/**
 * Milliseconds to wait before the next try.
 * @param failures how many tries failed before, 0 for the first failure
 */
export const retryDelay = (failures: number): number => Math.min(500 * 2 ** failures, 10_000);

/** Waits `milliseconds`; throws the signal's reason as soon as it aborts. */
export const pause = async (milliseconds: number, signal: AbortSignal): Promise<void> => {
  try {
    await delay(milliseconds, undefined, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
};

/** Resolves when `work` settles either way, at the latest after `milliseconds`. */
export const settledWithin = async (
  work: Promise<unknown>,
  milliseconds: number,
): Promise<void> => {
  const limit = new AbortController();
  const timeout = delay(milliseconds, undefined, { signal: limit.signal });
  await Promise.allSettled([Promise.race([work, timeout]).finally(() => limit.abort())]);
};

export const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
