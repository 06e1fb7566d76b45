import { setTimeout } from 'node:timers/promises';
import type { Context } from 'aws-lambda';
import { z } from 'zod';
import { printMeasures } from '../../lib/health/print-measures.ts';
import { sweepOnce } from '../../lib/scheduling/sweep.ts';

/** EventBridge fires at most once a minute; within the minute the sweep runs every 5 s. */
const everyMs = 5_000;
const loopMs = 55_000;

/** A scheduled event, or `{passes: n}` from tests and the supervisor to run n passes. */
const eventSchema = z.object({ passes: z.int().positive().optional() });

/**
 * Every minute: relays messages, repairs lost attempts, expires exports, deletes orphans, dispatches units, prints
 * metrics.
 */
export const handler = async (event: unknown, context: Context): Promise<void> => {
  const { passes = Number.POSITIVE_INFINITY } = eventSchema.parse(event ?? {});
  const end = Math.min(
    performance.now() + loopMs,
    performance.now() + context.getRemainingTimeInMillis() - 5_000,
  );
  for (let pass = 1; ; pass++) {
    await sweepOnce();
    if (pass === 1) await printMeasures();
    if (pass >= passes || performance.now() + everyMs > end) return;
    await setTimeout(everyMs);
  }
};
