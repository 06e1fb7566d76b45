/**
 * Returns what `work` resolves to. Throws what it throws, or an error with `message` if it has not settled within
 * `timeoutMs`; the work itself goes on, and its later failure is ignored.
 */
export async function withTimeout<T>(
  work: Promise<T>,
  timeoutMs: number,
  message = `no answer within ${timeoutMs} ms`,
): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(message)), timeoutMs);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Returns whether `work` resolved or rejected within `timeoutMs`. Never throws. */
export async function settledWithin(work: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  const settled = work.then(
    () => true,
    () => true,
  );
  return withTimeout(settled, timeoutMs).catch(() => false);
}
