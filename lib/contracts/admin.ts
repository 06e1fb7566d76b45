import { z } from 'zod';
import { csvListQueryFields, listQueryFields, nextCursorSchema } from './admin-lists.ts';
import { exportDocumentSchema, statusSchema } from './export-document.ts';
import { formats } from './format-capabilities.ts';
import { instantSchema } from './instant.ts';
import { sizes } from './sizes.ts';

const count = z.int().nonnegative();
const time = z.iso.datetime();
const name = z.string().min(1).max(sizes.nameCharacters);

export const adminExportsQuerySchema = z.strictObject({
  ...csvListQueryFields,
  owner: z
    .string()
    .min(1)
    .max(sizes.emailCharacters)
    .optional()
    .meta({ description: 'the email of an account' }),
  source: name.optional().meta({ description: 'exports that read this source' }),
  dataset: name.optional(),
  format: z.enum(formats).optional(),
  status: statusSchema.optional(),
});
export type AdminExportsQuery = z.infer<typeof adminExportsQuerySchema>;

export const adminExportsSchema = z.object({
  items: z.array(exportDocumentSchema),
  nextCursor: nextCursorSchema,
});
export type AdminExports = z.infer<typeof adminExportsSchema>;

export const statsQuerySchema = z.strictObject({
  from: instantSchema.optional().meta({ description: 'exports created from then on' }),
  to: instantSchema.optional().meta({ description: 'exports created before' }),
  by: z.enum(['day', 'owner', 'source', 'format']).default('day').meta({
    description: 'what the numbers are for; an export of several sources counts for each',
  }),
});
export type StatsQuery = z.infer<typeof statsQuerySchema>;

const secondsSchema = z.number().nonnegative().nullable();

export const statsSchema = z.object({
  items: z
    .array(
      z.object({
        key: z.string().meta({ description: 'the day (UTC), email, source or format' }),
        exports: count,
        ready: count.meta({ description: 'exports that got a file, expired or not' }),
        failed: count,
        rows: count.meta({ description: 'of the files' }),
        bytes: count.meta({ description: 'of the files' }),
        seconds: z
          .object({ p50: secondsSchema, p95: secondsSchema })
          .meta({ description: 'from start to file; null: no file' }),
      }),
    )
    .meta({
      description: 'days in their order, the others by their number of exports; at most 1,000',
    }),
});
export type Stats = z.infer<typeof statsSchema>;

export const runningQuerySchema = z.strictObject({
  cursor: listQueryFields.cursor,
  limit: listQueryFields.limit,
});
export type RunningQuery = z.infer<typeof runningQuerySchema>;

export const runningSchema = z.object({
  items: z.array(
    z.object({
      unitId: z.uuid(),
      exportId: z.uuid(),
      owner: z.string(),
      source: z.string(),
      dataset: z.string(),
      format: z.enum(formats),
      kind: z.enum(['read', 'finalize']),
      state: z.enum(['waiting', 'dispatched', 'running']),
      slot: z.int().nullable().meta({ description: 'the partition of `exports.work`' }),
      worker: z.string().nullable().meta({ description: 'the instance of the function' }),
      attempt: z.uuid().nullable(),
      rows: count,
      bytes: count,
      rowsPerSecond: z.number().nullable(),
      bytesPerSecond: z.number().nullable(),
      createdAt: time,
      startedAt: time.nullable(),
    }),
  ),
  nextCursor: nextCursorSchema,
});
export type Running = z.infer<typeof runningSchema>;

export const adminSourcesSchema = z.object({
  items: z.array(
    z.object({
      name: z.string(),
      health: z.enum(['ok', 'down']),
      error: z.string().nullable().meta({ description: 'why it is down' }),
      lag: z.object({ seconds: z.number().nullable(), max: z.number().nullable() }).meta({
        description:
          'of a replica, in seconds; null: the source is a primary, or its lag is unknown. `max`: with more it is not read',
      }),
      pause: z
        .object({ reason: z.string(), by: z.string(), at: time })
        .nullable()
        .meta({ description: 'null: not paused' }),
      load: z.object({
        waiting: count.meta({ description: 'units that wait' }),
        running: count.meta({ description: 'units that are dispatched or running' }),
        connections: count.meta({ description: 'connections of exports' }),
        questionConnections: count.meta({
          description: 'connections for metadata, estimates and previews',
        }),
      }),
      budget: z.object({ connections: count, questionConnections: count }),
    }),
  ),
  nextCursor: nextCursorSchema,
});
export type AdminSources = z.infer<typeof adminSourcesSchema>;

export const deadLettersQuerySchema = z.strictObject({
  cursor: z
    .string()
    .min(1)
    // Half of what an address may have; other characters than these would be longer in it.
    .max(sizes.stringBytes / 2)
    .regex(/^[A-Za-z0-9_-]*$/, 'must be a nextCursor of an earlier answer')
    .optional(),
  limit: listQueryFields.limit,
  topic: name.optional().meta({ description: 'a dead letter topic; absent: all of them' }),
});
export type DeadLettersQuery = z.infer<typeof deadLettersQuerySchema>;

const base64 = z.string().nullable().meta({ description: 'base64; null: none' });

export const deadLettersSchema = z.object({
  items: z.array(
    z.object({
      topic: z.string().meta({ description: 'the dead letter topic' }),
      partition: count,
      offset: count,
      at: time,
      reason: z.string().nullable(),
      origin: z
        .object({ topic: z.string(), partition: count, offset: count })
        .nullable()
        .meta({ description: 'null: the letter does not say it' }),
      key: base64,
      value: base64,
      headers: z
        .array(z.object({ name: z.string(), value: base64 }))
        .meta({ description: 'of the original record' }),
      cut: z.boolean().meta({
        description: 'the letter has only the beginning of the record, which cannot be replayed',
      }),
      replayedAt: time.nullable(),
    }),
  ),
  nextCursor: nextCursorSchema,
});
export type DeadLetters = z.infer<typeof deadLettersSchema>;
export type DeadLetter = DeadLetters['items'][number];

export const deadLetterParams = z.object({
  topic: name.meta({ description: 'The dead letter topic' }),
  partition: z.string().max(10).meta({ description: 'A partition of it' }),
  offset: z.string().max(19).meta({ description: 'The offset of the letter' }),
});
