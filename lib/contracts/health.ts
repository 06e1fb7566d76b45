import { z } from 'zod';

/** Problems with which requests are still answered. */
const healthProblemCodes = [
  'kafka_down',
  'storage_down',
  'catalogue_slow',
  'outbox_waiting',
  'outbox_set_aside',
  'exports_waiting',
  'workers_away',
  'sweep_away',
  'consumers_away',
  'consumers_behind',
  'slots_closed',
  'dead_letters',
  'readings_delayed',
  'readings_rejected',
  'live_delayed',
  'deliveries_delayed',
] as const;

const healthProblemSchema = z.object({
  code: z.enum(healthProblemCodes),
  message: z.string().meta({ description: 'One sentence for people' }),
});
export type HealthProblem = z.infer<typeof healthProblemSchema>;

export const healthSchema = z.object({
  status: z.enum(['ok', 'degraded']),
  parts: z.record(z.string(), z.object({ status: z.enum(['ok', 'down']) })),
  problems: z
    .array(healthProblemSchema)
    .optional()
    .meta({ description: 'The problems, if the status is `degraded`' }),
});
export type Health = z.infer<typeof healthSchema>;
