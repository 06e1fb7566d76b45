import { z } from 'zod';

const partSchema = z.object({ status: z.enum(['ok', 'down']), detail: z.string().optional() });

export const healthSchema = z.object({
  status: z.literal('ok'),
  parts: z.record(z.string(), partSchema),
});
export type PartHealth = z.infer<typeof partSchema>;
