import { z } from 'zod';
import { instantSchema } from './instant.ts';
import { sizes } from './sizes.ts';

export const datasetKinds = ['table', 'view', 'materialized_view'] as const;

export const datasetSchema = z.object({
  name: z.string(),
  kind: z.enum(datasetKinds),
  timeColumn: z.string().nullable(),
  earliest: z.iso.datetime().nullable(),
  latest: z.iso.datetime().nullable(),
  estimatedRows: z.int().nonnegative(),
  columns: z.array(z.object({ name: z.string(), type: z.string(), nullable: z.boolean() })),
  columnsLeftOut: z.literal(true).optional().meta({
    description:
      'the source has more than fits into a response: `columns` is empty here, `GET /sources/{source}/datasets/{dataset}` has them',
  }),
  partitionOf: z
    .string()
    .optional()
    .meta({ description: 'the table of which it is a partition; partitions come last' }),
});
export type Dataset = z.infer<typeof datasetSchema>;

/** A source that does not answer has `error` and no datasets; the others have theirs. */
const sourceSchema = z.object({
  name: z.string(),
  error: z.string().optional(),
  paused: z
    .string()
    .optional()
    .meta({ description: 'why its exports wait, if an administrator has paused it' }),
  datasets: z.array(datasetSchema),
  datasetsLeftOut: z.int().positive().optional().meta({
    description: 'number of datasets that did not fit into the response; `search` finds them',
  }),
});
export type SourceDescription = z.infer<typeof sourceSchema>;
export const sourceListSchema = z.object({ sources: z.array(sourceSchema) });
export type SourceList = z.infer<typeof sourceListSchema>;

export const sourceListQuerySchema = z.strictObject({
  source: z.string().max(sizes.nameCharacters).optional().meta({ description: 'only this source' }),
  search: z
    .string()
    .max(sizes.nameCharacters)
    .optional()
    .meta({ description: 'only datasets with this text in their names, regardless of case' }),
});
export type SourceListQuery = z.infer<typeof sourceListQuerySchema>;

export const sourcePauseSchema = z.strictObject({
  reason: z
    .string()
    .trim()
    .min(1)
    .max(sizes.errorCharacters, `must have at most ${sizes.errorCharacters} characters`)
    .meta({ description: 'shown to the owners of waiting exports' }),
});

const maxBuckets = 60;

export const histogramQuerySchema = z.strictObject({
  from: instantSchema
    .optional()
    .meta({ description: 'first instant; the default is that of the data' }),
  to: instantSchema
    .optional()
    .meta({ description: 'last instant, exclusive; the default is after the data' }),
  buckets: z.coerce
    .number('must be a number')
    .int('must be a whole number')
    .min(1, 'must be at least 1')
    .max(maxBuckets, `must be at most ${maxBuckets}`)
    .default(maxBuckets)
    .meta({ description: 'maximum number of buckets; they have a round length' }),
});
export type HistogramQuery = z.infer<typeof histogramQuerySchema>;

export const histogramSchema = z.object({
  dataset: z.string(),
  timeColumn: z.string().nullable(),
  basis: z
    .enum(['statistics'])
    .nullable()
    .meta({ description: 'where the numbers come from; null: unknown' }),
  reason: z
    .string()
    .nullable()
    .meta({ description: 'why there are no buckets, or which rows they omit' }),
  buckets: z
    .array(
      z.object({
        from: z.iso.datetime(),
        to: z.iso.datetime().meta({ description: 'exclusive' }),
        rows: z.int().nonnegative(),
      }),
    )
    .max(maxBuckets),
});
export type Histogram = z.infer<typeof histogramSchema>;
