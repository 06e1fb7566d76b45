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
      'of a source with more than fits into an answer: `columns` is empty here, `GET /sources/{source}/datasets/{dataset}` has them',
  }),
  partitionOf: z
    .string()
    .optional()
    .meta({ description: 'the table of which it is a partition; partitions are the last' }),
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
  datasetsLeftOut: z
    .int()
    .positive()
    .optional()
    .meta({ description: 'how many more there are than fit into an answer; `search` finds them' }),
});
export type SourceDescription = z.infer<typeof sourceSchema>;
export const sourceListSchema = z.object({ sources: z.array(sourceSchema) });
export type SourceList = z.infer<typeof sourceListSchema>;

export const sourceListQuerySchema = z.strictObject({
  source: z.string().max(sizes.nameCharacters).optional().meta({ description: 'that one alone' }),
  search: z
    .string()
    .max(sizes.nameCharacters)
    .optional()
    .meta({ description: 'only datasets with this in their names, upper and lower case alike' }),
});
export type SourceListQuery = z.infer<typeof sourceListQuerySchema>;

export const sourcePauseSchema = z.strictObject({
  reason: z
    .string()
    .trim()
    .min(1)
    .max(sizes.errorCharacters, `must have at most ${sizes.errorCharacters} characters`)
    .meta({ description: 'shown to those whose exports wait' }),
});

const mostBuckets = 60;

export const histogramQuerySchema = z.strictObject({
  from: instantSchema.optional().meta({ description: 'first instant; else that of the data' }),
  to: instantSchema
    .optional()
    .meta({ description: 'last instant, exclusive; else behind the data' }),
  buckets: z.coerce
    .number('must be a number')
    .int('must be a whole number')
    .min(1, 'must be at least 1')
    .max(mostBuckets, `must be at most ${mostBuckets}`)
    .default(mostBuckets)
    .meta({ description: 'at most so many; they are of a round length' }),
});
export type HistogramQuery = z.infer<typeof histogramQuerySchema>;

export const histogramSchema = z.object({
  dataset: z.string(),
  timeColumn: z.string().nullable(),
  basis: z
    .enum(['statistics'])
    .nullable()
    .meta({ description: 'what the numbers are made of; null: nothing is known' }),
  reason: z
    .string()
    .nullable()
    .meta({ description: 'why there are no buckets, or which rows they leave out' }),
  buckets: z
    .array(
      z.object({
        from: z.iso.datetime(),
        to: z.iso.datetime().meta({ description: 'exclusive' }),
        rows: z.int().nonnegative(),
      }),
    )
    .max(mostBuckets),
});
export type Histogram = z.infer<typeof histogramSchema>;
