import { setTimeout } from 'node:timers/promises';
import type { Context } from 'aws-lambda';
import { z } from 'zod';
import { sweepOnce } from '../../lib/scheduling/sweep.ts';

/** EventBridge fires once a minute at best; within the minute we look again every few seconds. */
const everyMilliseconds = 5_000;
const loopMilliseconds = 55_000;

/** A scheduled event, or `{passes}` from whoever wants just so many passes. */
const eventSchema = z.object({ passes: z.int().positive().optional() });

/** Every minute: relay, lost attempts, expiry, orphans, dispatch. */
export const handler = async (event: unknown, context: Context): Promise<void> => {
  const { passes = Number.POSITIVE_INFINITY } = eventSchema.parse(event ?? {});
  const end = Math.min(
    performance.now() + loopMilliseconds,
    performance.now() + context.getRemainingTimeInMillis() - 5_000,
  );
  for (let pass = 1; ; pass++) {
    await sweepOnce();
    if (pass >= passes || performance.now() + everyMilliseconds > end) return;
    await setTimeout(everyMilliseconds);
  }
};
