import { z } from 'zod';

const most = z.int().min(1).nullable();

/** What one export of an account may be. Both are to be said, null for no limit. */
export const limitsSchema = z.strictObject({
  maxRows: most.meta({ description: 'rows of one export; null: no limit' }),
  maxBytes: most.meta({
    description: 'bytes of its file as it is written, compressed if it is; null: no limit',
  }),
});
export type Limits = z.infer<typeof limitsSchema>;
