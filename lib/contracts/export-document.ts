import { z } from 'zod';
import { idPageQuerySchema } from './admin-lists.ts';
import { codeNames } from './codes.ts';
import { exportRequestFields, exportRequestSchema } from './export-request.ts';
import { instantSchema } from './instant.ts';
import { limitsSchema } from './limits.ts';
import { countedPlaces } from './queue.ts';
import { sizes } from './sizes.ts';

const publicStatuses = ['queued', 'running', 'ready', 'failed', 'cancelled', 'expired'] as const;
export const statusSchema = z.enum(publicStatuses);
export type PublicStatus = z.infer<typeof statusSchema>;

const time = z.iso.datetime();
const count = z.int().nonnegative();
const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hexadecimal digits');

export const exportFileSchema = z.object({
  name: z.string(),
  bytes: count,
  rows: count,
  sha256: sha256Schema,
  contentType: z.string(),
});

const failureSchema = z.object({ code: z.enum(codeNames), message: z.string() });

/** The public state of an export. */
export const exportDocumentSchema = z.object({
  id: z.uuid(),
  status: statusSchema,
  request: exportRequestSchema,
  owner: z.email(),
  progress: z.object({
    rows: count,
    bytes: count,
    estimatedRows: count.nullable(),
    queuePosition: count.nullable().meta({
      description: `number of exports before it, 0 is next; null unless it is queued. It is exact below ${countedPlaces}, and a lower bound from ${countedPlaces} on`,
    }),
    etaSeconds: count
      .nullable()
      .meta({ description: 'null if it is unknown, for example far from the head of the queue' }),
    waiting: z
      .string()
      .nullable()
      .meta({ description: 'why it waits, if there is a reason other than the exports before it' }),
  }),
  file: exportFileSchema.nullable(),
  error: failureSchema.nullable(),
  createdAt: time,
  startedAt: time.nullable(),
  finishedAt: time.nullable(),
  expiresAt: time.nullable(),
  downloadedAt: time.nullable(),
});
export type ExportDocument = z.infer<typeof exportDocumentSchema>;

export const exportEstimateSchema = z.object({
  rows: count,
  bytes: count,
  seconds: count,
  limits: limitsSchema.meta({ description: 'the limits of each export of your account' }),
  refusal: failureSchema
    .nullable()
    .meta({ description: 'the error with which it would be rejected for its size, else null' }),
});
export type ExportEstimate = z.infer<typeof exportEstimateSchema>;

/** More exports of an account than these are not counted. */
export const countedExports = 10_000;

export const exportCountsSchema = z.record(statusSchema, count);
export type ExportCounts = z.infer<typeof exportCountsSchema>;

export const exportListSchema = z.object({
  items: z.array(exportDocumentSchema),
  nextCursor: z.string().nullable(),
  counts: exportCountsSchema.optional().meta({
    description: `with \`counts=true\`: how many of the exports that meet the other filters have each status, of the newest ${countedExports}`,
  }),
});
export type ExportList = z.infer<typeof exportListSchema>;

const sortKeys = ['createdAt', 'rows', 'bytes', 'expiresAt'] as const;

/** The order of a list. */
export interface ExportSort {
  by: (typeof sortKeys)[number];
  descending: boolean;
}

export const newestFirst: ExportSort = { by: 'createdAt', descending: true };

const sortSchema = z
  .enum(sortKeys.flatMap((key) => [key, `-${key}`] as const))
  .default('-createdAt')
  .transform((sent): ExportSort => {
    const by = sortKeys.find((key) => sent.endsWith(key)) ?? newestFirst.by;
    return { by, descending: sent.startsWith('-') };
  })
  .meta({
    description:
      'the order, `-` for descending. An export without a file has the fewest rows and bytes, one without an end expires first',
  });

const filterName = z.string().min(1).max(sizes.nameCharacters).optional();

export const exportListQuerySchema = z.strictObject({
  ...idPageQuerySchema.shape,
  status: statusSchema.optional(),
  downloaded: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .optional(),
  search: z.string().max(sizes.nameCharacters).optional().meta({
    description:
      'words, of which each must occur in the id, the name, the file name, the sources or the dataset with its format (`orders.csv`), regardless of case',
  }),
  source: filterName.meta({ description: 'exports that read this source' }),
  dataset: filterName,
  format: exportRequestFields.shape.format.optional(),
  from: instantSchema.optional().meta({ description: 'exports requested from then on' }),
  to: instantSchema.optional().meta({ description: 'exports requested before' }),
  sort: sortSchema,
  counts: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .optional()
    .meta({ description: 'whether the response has `counts`' }),
});
export type ExportListQuery = z.infer<typeof exportListQuerySchema>;

/** The proof of the content of a file. */
export const manifestSchema = z.object({
  exportId: z.uuid(),
  request: exportRequestSchema,
  file: exportFileSchema.omit({ contentType: true }),
  truncated: z.literal(false),
  consistency: exportRequestFields.shape.consistency.unwrap(),
  columns: z.array(
    z.object({
      name: z.string(),
      databaseType: z.string(),
      fileType: z.string(),
      policy: z.string().optional().meta({
        description:
          '`mask` or `hash`: what the grant of the account put in place of the values. Otherwise which values are NULL in the file because its type cannot represent them',
      }),
      nulled: count
        .optional()
        .meta({ description: 'number of values that are NULL by the policy' }),
    }),
  ),
  sources: z.array(
    z.object({
      name: z.string(),
      schema: z.string().optional().meta({
        description:
          'schema of the relation that was read. Absent, like `relation`, in manifests of earlier versions',
      }),
      relation: z.string().optional(),
      rows: count,
      rowsWithoutTime: count,
      rowSecurity: z.literal(true).optional().meta({
        description:
          'row-level security applied: the rows are those that the policies show to the role of the source',
      }),
      asOf: time,
      lsn: z.string(),
      cursor: z.string().optional().meta({
        description:
          'for a `snapshot` export of the readings: the position in the stream up to which the file has them. A subscription to `/live` with `from` set to it continues without a gap and without a duplicate',
      }),
      units: z
        .array(z.object({ rows: count, asOf: time, lsn: z.string() }))
        .optional()
        .meta({ description: 'for a resumable export: the snapshot of each unit' }),
    }),
  ),
  skewSeconds: z.number().nonnegative(),
  createdBy: z.string(),
  signature: z.string().optional().meta({
    description:
      'a detached JWS (RFC 7515, appendix F; `Ed25519`) by a key of `/.well-known/jwks.json`, over the canonical form (RFC 8785) of the manifest without this field. Absent in manifests of versions without signatures',
  }),
});
export type Manifest = z.infer<typeof manifestSchema>;

export const downloadSchema = z.object({ url: z.url(), expiresAt: time });
export type Download = z.infer<typeof downloadSchema>;

export const acknowledgementSchema = z.strictObject({ sha256: sha256Schema });
