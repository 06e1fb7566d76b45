import { z } from 'zod';
import { codeNames } from './codes.ts';
import { exportRequestFields, exportRequestSchema } from './export-request.ts';
import { limitsSchema } from './limits.ts';
import { countedPlaces } from './queue.ts';
import { sizes } from './sizes.ts';

const publicStatuses = ['queued', 'running', 'ready', 'failed', 'cancelled', 'expired'] as const;
const statusSchema = z.enum(publicStatuses);
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

/** Everything about one export, as its owner sees it. */
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
      description: `how many exports are before it, 0 is next; null unless it is queued. Near the head of the queue it is exact, far from it (${countedPlaces} and more) a lower bound`,
    }),
    etaSeconds: count
      .nullable()
      .meta({ description: 'null where nobody can say, such as far from the head of the queue' }),
    waiting: z
      .string()
      .nullable()
      .meta({ description: 'why it is not going on, if there is a reason beyond its turn' }),
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
  limits: limitsSchema.meta({ description: 'what one export of your account may be' }),
  refusal: failureSchema
    .nullable()
    .meta({ description: 'with which it would be refused for its size if it were asked for' }),
});
export type ExportEstimate = z.infer<typeof exportEstimateSchema>;

export const exportListSchema = z.object({
  items: z.array(exportDocumentSchema),
  nextCursor: z.string().nullable(),
});
export type ExportList = z.infer<typeof exportListSchema>;

export const exportListQuerySchema = z.strictObject({
  cursor: z.uuid('must be a nextCursor of an earlier answer').optional(),
  limit: z.coerce
    .number('must be a number')
    .int('must be a whole number')
    .min(1)
    .max(200)
    .default(50),
  status: statusSchema.optional(),
  downloaded: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .optional(),
  search: z.string().max(sizes.nameCharacters).optional().meta({
    description:
      'words, whatever their case, that all have to be in the id, the name of the file, the sources or the dataset with its format (`orders.csv`)',
  }),
});
export type ExportListQuery = z.infer<typeof exportListQuerySchema>;

/** The proof of what a file holds. */
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
        description: 'which values are NULL in the file because its type has none for them',
      }),
      nulled: count.optional().meta({ description: 'how many values are NULL by the policy' }),
    }),
  ),
  sources: z.array(
    z.object({
      name: z.string(),
      schema: z.string().optional().meta({
        description:
          'of the relation that was read. Absent, as `relation`, from manifests made before these were there',
      }),
      relation: z.string().optional(),
      rows: count,
      rowsWithoutTime: count,
      rowSecurity: z.literal(true).optional().meta({
        description:
          'row-level security applies to what was read: the rows are those that the policies show to the role of the source',
      }),
      asOf: time,
      lsn: z.string(),
      units: z
        .array(z.object({ rows: count, asOf: time, lsn: z.string() }))
        .optional()
        .meta({ description: 'of a resumable export: the moment at which each unit was read' }),
    }),
  ),
  skewSeconds: z.number().nonnegative(),
  createdBy: z.string(),
  signature: z.string().optional().meta({
    description:
      'a detached JWS (RFC 7515, appendix F; `Ed25519`) by a key of `/.well-known/jwks.json`, over the JSON of the manifest without this field in canonical form (RFC 8785). Absent from manifests made before there were signatures',
  }),
});
export type Manifest = z.infer<typeof manifestSchema>;

export const downloadSchema = z.object({ url: z.url(), expiresAt: time });
export type Download = z.infer<typeof downloadSchema>;

export const acknowledgementSchema = z.strictObject({ sha256: sha256Schema });
