import { z } from 'zod';
import { instantSchema } from './instant.ts';
import { sizes, sizeText } from './sizes.ts';

/** Maximum number of points of a response. */
export const maxPoints = 2_000;

const maxSeriesOfPage = 200;

const seriesNameSchema = z
  .string()
  .min(1, 'must not be empty')
  .max(sizes.nameCharacters, `must have at most ${sizes.nameCharacters} characters`);

const time = z.iso.datetime();
const seriesItemSchema = z.object({
  series: z.string(),
  unit: z.string(),
  latest: z
    .object({
      at: time.meta({ description: 'with as many digits as needed, up to microseconds' }),
      value: z
        .number()
        .nullable()
        .meta({ description: 'null: it has no value, or one that is not finite' }),
    })
    .nullable()
    .meta({ description: 'the reading with the latest time; null: the series has none' }),
});
export type SeriesItem = z.infer<typeof seriesItemSchema>;

export const seriesListSchema = z.object({
  items: z.array(seriesItemSchema),
  nextCursor: z.string().nullable(),
});
export type SeriesList = z.infer<typeof seriesListSchema>;

export const seriesListQuerySchema = z.strictObject({
  search: z
    .string()
    .max(sizes.nameCharacters)
    .optional()
    .meta({ description: 'only series with this text in their names, regardless of case' }),
  cursor: z
    .string()
    // Base64url of a name, of which a character has at most 4 bytes in UTF-8.
    .max(Math.ceil((sizes.nameCharacters * 4 * 4) / 3), 'must be a nextCursor of an earlier answer')
    // Other characters would be longer in an address, which has a limit of its own.
    .regex(/^[A-Za-z0-9_-]*$/, 'must be a nextCursor of an earlier answer')
    .optional(),
  limit: z.coerce
    .number('must be a number')
    .int('must be a whole number')
    .min(1)
    .max(maxSeriesOfPage)
    .default(50),
});
export type SeriesListQuery = z.infer<typeof seriesListQuerySchema>;

export const readingsQuerySchema = z.strictObject({
  series: seriesNameSchema.meta({ description: 'one series' }),
  from: instantSchema
    .optional()
    .meta({ description: 'first instant, inclusive; the default is the first reading' }),
  to: instantSchema
    .optional()
    .meta({ description: 'last instant, exclusive; the default is after the last reading' }),
  bucket: z
    .string()
    .regex(/^[1-9]\d{0,4}[smhd]$/, 'must be a number and s, m, h or d, like 10s, 5m, 1h or 1d')
    .optional()
    .meta({
      description: `length of a bucket, like \`1s\`, \`10s\`, \`1m\`, \`5m\`, \`1h\`, \`1d\`; absent: chosen so that there are at most ${sizeText(maxPoints)} points`,
      examples: ['1m'],
    }),
});
export type ReadingsQuery = z.infer<typeof readingsQuerySchema>;

const pointSchema = z.object({
  at: time.meta({ description: 'start of the bucket; that of the first one may be before `from`' }),
  min: z.number(),
  max: z.number(),
  avg: z
    .number()
    .nullable()
    .meta({ description: 'null: the values are so large that a double cannot hold their sum' }),
  last: z.number().meta({ description: 'value of the latest reading in the bucket' }),
  count: z.int().positive(),
});
export type Point = z.infer<typeof pointSchema>;

export const readingsSchema = z.object({
  series: z.string(),
  bucket: z.string(),
  points: z.array(pointSchema).max(maxPoints).meta({
    description:
      'in the order of time; readings without a finite value, and buckets without readings, are left out',
  }),
});
export type Readings = z.infer<typeof readingsSchema>;

/** One reading, as it is sent. `at` is parsed, and checked for being too old or too far ahead, by the domain. */
const sentReadingSchema = z.strictObject({
  series: seriesNameSchema,
  at: z
    .union([
      z
        .string()
        .max(sizes.instantCharacters, `must have at most ${sizes.instantCharacters} characters`),
      z.number(),
    ])
    .meta({
      description:
        'RFC 3339 date-time, or the time since 1970 in seconds, milliseconds, microseconds or nanoseconds, as its magnitude says; a number may be sent as a string',
      examples: ['2026-03-01T12:00:00.250Z'],
    }),
  value: z.number(),
  unit: z
    .string()
    .min(1, 'must not be empty')
    .max(sizes.nameCharacters, `must have at most ${sizes.nameCharacters} characters`)
    .optional(),
  attributes: z.record(z.string().max(sizes.stringBytes), z.unknown()).optional(),
});

/** The body of `POST /readings`. */
export const sentReadingsSchema = z.union([
  sentReadingSchema,
  z.array(sentReadingSchema).min(1).max(sizes.arrayItems),
]);

export const acceptedReadingsSchema = z.object({
  accepted: z.int().positive().meta({ description: 'number of readings' }),
});
export type AcceptedReadings = z.infer<typeof acceptedReadingsSchema>;
