import { z } from 'zod';
import { instantSchema, isAfter } from './instant.ts';

const knownTimeZone = (zone: string): boolean => {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
};

const scalar = z.union([z.string(), z.number(), z.boolean()]);

const whereConditionSchema = z.strictObject({
  column: z.string().min(1),
  op: z.enum(['eq', 'ne', 'lt', 'lte', 'gt', 'gte', 'in', 'like', 'isNull']),
  value: z.union([
    scalar,
    z
      .array(scalar)
      .min(1, 'must have at least one value')
      .max(1_000, 'must have at most 1,000 values'),
  ]),
});
export type WhereCondition = z.infer<typeof whereConditionSchema>;

/**
 * What a user or a system asks for. Parsing fills in the defaults and refuses unknown fields, so two
 * requests that mean the same are equal afterwards.
 */
export const exportRequestSchema = z
  .strictObject({
    sources: z
      .array(z.string().min(1))
      .min(1, 'must name a source')
      .max(16, 'must name at most 16 sources')
      .refine((names) => new Set(names).size === names.length, 'names a source twice')
      .meta({
        description:
          'the databases to read, which have the same dataset; of more than one the rows stand behind each other, with the leading column `_source`',
      }),
    dataset: z
      .string()
      .min(1)
      .meta({ description: 'table, or schema.table outside the schema public' }),
    from: instantSchema.optional().meta({ description: 'first instant, inclusive' }),
    to: instantSchema.optional().meta({ description: 'last instant, exclusive' }),
    format: z.enum(['csv', 'json', 'ndjson']),
    columns: z
      .array(z.string())
      .min(1, 'must name at least one column, or be left out for all')
      .refine((names) => new Set(names).size === names.length, 'names a column twice')
      .optional()
      .meta({ description: 'columns in the order of the file; all when absent' }),
    where: z
      .array(whereConditionSchema)
      .max(50, 'must have at most 50 conditions')
      .optional()
      .meta({
        description:
          'conditions that all have to hold; a comparison with NULL does not, as in SQL. `value`: number, string or boolean by the type of the column (times in ISO 8601, UTC if they have no zone; numbers also as strings), an array for `in`, a boolean for `isNull`; `like` has `%` and `_`',
      }),
    compression: z.enum(['none', 'gzip', 'zstd']).default('none'),
    profile: z.enum(['machine']).default('machine'),
    timeZone: z.string().refine(knownTimeZone, 'must be an IANA time zone').default('UTC'),
    order: z.enum(['any', 'time']).default('any').meta({
      description: 'time: by the time column, rows without a time last',
    }),
    consistency: z.enum(['snapshot', 'resumable']).default('snapshot').meta({
      description:
        'snapshot: all rows as of one moment, read within 12 minutes; resumable: of any size, read in units with a moment of their own each',
    }),
    ttlSeconds: z.int().min(60).max(2_592_000).default(86_400),
  })
  .refine(({ sources, order }) => sources.length === 1 || order === 'any', {
    path: ['order'],
    message: 'cannot be time for several sources',
  })
  .refine(({ from, to }) => from === undefined || to === undefined || !isAfter(from, to), {
    path: ['from'],
    message: 'must not be after `to`',
  });
export type ExportRequest = z.infer<typeof exportRequestSchema>;
