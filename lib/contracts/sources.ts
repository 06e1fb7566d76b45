import { z } from 'zod';

export const datasetKinds = ['table', 'view', 'materialized_view'] as const;

export const datasetSchema = z.object({
  name: z.string(),
  kind: z.enum(datasetKinds),
  timeColumn: z.string().nullable(),
  earliest: z.iso.datetime().nullable(),
  latest: z.iso.datetime().nullable(),
  estimatedRows: z.int().nonnegative(),
  columns: z.array(z.object({ name: z.string(), type: z.string(), nullable: z.boolean() })),
});
export type Dataset = z.infer<typeof datasetSchema>;

/** A source that does not answer has `error` and no datasets; the others answer all the same. */
const sourceSchema = z.object({
  name: z.string(),
  error: z.string().optional(),
  paused: z
    .string()
    .optional()
    .meta({ description: 'why its exports wait, if an operator says so' }),
  datasets: z.array(datasetSchema),
});
export const sourceListSchema = z.object({ sources: z.array(sourceSchema) });
export type SourceList = z.infer<typeof sourceListSchema>;

export const sourcePauseSchema = z.strictObject({
  reason: z
    .string()
    .trim()
    .min(1)
    .max(200)
    .meta({ description: 'shown to those whose exports wait' }),
});
