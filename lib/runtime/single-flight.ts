/**
 * Returns a function that shares one run of `work`, and its result or error, between all calls during that run and
 * within `cacheMs` after its start.
 */
export function singleFlight<T>(cacheMs: number, work: () => Promise<T>): () => Promise<T> {
  let shared: Promise<T> | undefined;
  let isRunning = false;
  let expiresAt = 0;
  return () => {
    if (shared === undefined || (!isRunning && performance.now() >= expiresAt)) {
      isRunning = true;
      expiresAt = performance.now() + cacheMs;
      shared = work().finally(() => {
        isRunning = false;
      });
    }
    return shared;
  };
}
