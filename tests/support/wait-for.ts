import { setTimeout } from 'node:timers/promises';

/** Machines that run tests are shared: while others use one, it may be a third as fast. */
const patience = 3;

/**
 * Calls `probe` until it returns a value, and returns it. Throws with `what` when the deadline passes, which is three
 * times as late as `seconds`, the time that suffices on a quiet machine.
 */
export async function waitFor<T>(
  what: string,
  probe: () => Promise<T | undefined>,
  { seconds = 60, everyMs = 100 } = {},
): Promise<T> {
  const limit = seconds * patience;
  const end = performance.now() + limit * 1_000;
  for (;;) {
    const answer = await probe();
    if (answer !== undefined) return answer;
    if (performance.now() > end) throw new Error(`did not happen within ${limit} s: ${what}`);
    await setTimeout(everyMs);
  }
}
