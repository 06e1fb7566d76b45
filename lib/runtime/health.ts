import { setTimeout } from 'node:timers/promises';
import type { z } from 'zod';
import type { healthSchema, PartHealth } from '../contracts/health.ts';
import { messageOf, Refusal } from './errors.ts';
import { logger } from './logger.ts';

const patienceMilliseconds = 3_000;

/** Asks every part at once. Throws `unavailable` naming those that do not answer in time. */
export async function checkHealth(
  checks: Record<string, () => Promise<unknown>>,
): Promise<z.infer<typeof healthSchema>> {
  const asked = await Promise.all(
    Object.entries(checks).map(async ([part, check]) => [part, await answerOf(check)] as const),
  );
  const down = asked.filter(([, { status }]) => status === 'down');
  if (down.length === 0) return { status: 'ok', parts: Object.fromEntries(asked) };
  logger.error('parts are down', { parts: Object.fromEntries(down) });
  throw new Refusal('unavailable', `Not answering: ${down.map(([part]) => part).join(', ')}.`);
}

async function answerOf(check: () => Promise<unknown>): Promise<PartHealth> {
  const patience = new AbortController();
  try {
    await Promise.race([
      check(),
      setTimeout(patienceMilliseconds, undefined, { signal: patience.signal }).then(() => {
        throw new Error(`no answer within ${patienceMilliseconds} ms`);
      }),
    ]);
    return { status: 'ok' };
  } catch (error) {
    return { status: 'down', detail: messageOf(error) };
  } finally {
    patience.abort();
  }
}
