import { setTimeout } from 'node:timers/promises';

/**
 * Asks again and again until the answer is not undefined, and returns it. Throws `what` did not happen
 * when the deadline passes.
 */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined>,
  { seconds = 60, everyMilliseconds = 100 } = {},
): Promise<T> {
  const end = performance.now() + seconds * 1_000;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > end) throw new Error(`within ${seconds} s it did not happen: ${what}`);
    await setTimeout(everyMilliseconds);
  }
}
