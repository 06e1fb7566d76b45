import { z } from 'zod';

const max = z.int().min(1).nullable();

/** The limits of each export of an account. Both fields are required; null is no limit. */
export const limitsSchema = z.strictObject({
  maxRows: max.meta({ description: 'rows of one export; null: no limit' }),
  maxBytes: max.meta({
    description: 'bytes of its file, after compression; null: no limit',
  }),
});
export type Limits = z.infer<typeof limitsSchema>;

const quota = max.exactOptional();

/** The limits and quotas of an account. An absent quota is the default of the deployment. */
export const accountLimitsSchema = limitsSchema.extend({
  maxRunningExports: quota.meta({
    description: 'queued and running exports at a time; absent or null: the default',
  }),
  maxRowsPerDay: quota.meta({
    description: 'rows that its exports may write in a day (UTC); absent or null: the default',
  }),
  maxBytesPerDay: quota.meta({
    description: 'bytes of its files in a day (UTC); absent or null: the default',
  }),
});
export type AccountLimits = z.infer<typeof accountLimitsSchema>;

const count = z.int().nonnegative();

/** The quotas that apply to an account: its own, else the defaults of the deployment. Null: none. */
const quotasSchema = z.object({
  runningExports: max.meta({ description: 'queued and running exports at a time' }),
  rowsPerDay: max,
  bytesPerDay: max,
});

/** What an account has used of its quotas. */
export const usageSchema = z.object({
  runningExports: count.meta({ description: 'queued and running exports' }),
  rowsToday: count.meta({ description: 'rows written by its exports since 00:00 UTC' }),
  bytesToday: count.meta({ description: 'bytes written by its exports since 00:00 UTC' }),
  resetsAt: z.iso.datetime().meta({ description: 'when the next day begins' }),
  quotas: quotasSchema.meta({
    description: 'the quotas that apply: of the account, else of the deployment; null: none',
  }),
});
export type Usage = z.infer<typeof usageSchema>;
