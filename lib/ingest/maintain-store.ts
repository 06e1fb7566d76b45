import { config } from '../runtime/config.ts';
import { backfillRollups } from './backfill-rollups.ts';
import { createPartitionsAhead, divideDefaultPartition } from './partitions.ts';
import { deleteExpired } from './retention.ts';

/** The part of a pass for rollups of older readings. */
const backfillMs = 1_000;

/** Steps that look at the whole store run in every 60th pass of this process: every five minutes. */
const slowEveryPasses = 60;
let passes = 0;

/** The steps of the sweep for the readings store; none if this deployment has no readings. */
export async function maintainStore(): Promise<void> {
  const { readings } = config();
  if (!readings) return;
  const pass = passes++;
  await createPartitionsAhead();
  if (pass % slowEveryPasses === 0) {
    await divideDefaultPartition();
    if (readings.retentionDays !== undefined) await deleteExpired(readings.retentionDays);
  }
  // `npm start` waits for the first pass.
  if (pass > 0) await backfillRollups(backfillMs);
}
