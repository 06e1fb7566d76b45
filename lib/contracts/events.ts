import { z } from 'zod';
import { exportDocumentSchema } from './export-document.ts';
import { exportRequestFields } from './export-request.ts';
import { problemSchema } from './problem.ts';
import { sizes } from './sizes.ts';
import { type WhereCondition, type WhereItem, whereConditionSchema } from './where.ts';

/** CloudEvents 1.0, structured JSON: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md */
const envelope = {
  specversion: z.literal('1.0'),
  id: z.string().min(1),
  source: z.string().min(1),
  subject: z.string().optional(),
  time: z.iso.datetime({ offset: true }).optional(),
  datacontenttype: z.literal('application/json').optional(),
};

const keySchema = z
  .string()
  .min(1)
  .max(sizes.keyCharacters, `must have at most ${sizes.keyCharacters} characters`);

export const exportRequestedType = 'streamsync.export.requested.v1';

/**
 * An export asked for by event: what makes it an event that can be answered. `data` is an export request
 * with `requestedBy` (the email of an account that may ask by event) beside it; it is held against the
 * same schema as the body of the API afterwards, so that a refusal can be answered with `rejected`.
 */
export const exportRequestedSchema = z.looseObject({
  specversion: z.literal('1.0'),
  id: keySchema,
  source: keySchema,
  type: z.literal(exportRequestedType),
  data: z.unknown().optional(),
});

export const requestedBySchema = z
  .string()
  // Not matched by the regex of emails if it is longer.
  .max(sizes.emailCharacters, { abort: true })
  .check(z.email());
export type ExportRequested = z.infer<typeof exportRequestedSchema>;

export const outcomes = [
  'accepted',
  'completed',
  'failed',
  'cancelled',
  'expired',
  'downloaded',
] as const;
export type Outcome = (typeof outcomes)[number];

const eventConditionSchema = whereConditionSchema.pick({ column: true, op: true });
const eventItemSchema = z.union([
  eventConditionSchema,
  z.strictObject({ any: z.array(eventConditionSchema) }),
]);
type EventItem = z.infer<typeof eventItemSchema>;

/**
 * Whoever may read the topic reads the events of all owners: a condition in them says which column it is
 * about and how it compares, not with what. The API shows the values to the owner.
 */
export const withoutValues = (where: readonly WhereItem[]): EventItem[] => {
  const shown = ({ column, op }: WhereCondition) => ({ column, op });
  return where.map((item) => ('any' in item ? { any: item.any.map(shown) } : shown(item)));
};

const resultData = exportDocumentSchema.extend({
  request: z
    .strictObject({
      ...exportRequestFields.shape,
      where: z.array(eventItemSchema).optional().meta({
        description: 'column and operator of each condition, without the value it compares with',
      }),
    })
    .meta({
      description: 'what was asked for; a short form of the event leaves out `where` and `columns`',
    }),
  requestId: z.string().nullable(),
  downloadUrl: z.url(),
  message: z.string(),
});

export const exportResultSchema = z.object({
  ...envelope,
  type: z.enum(outcomes.map((outcome) => `streamsync.export.${outcome}.v1` as const)),
  data: resultData,
});
export type ExportResult = z.infer<typeof exportResultSchema>;

export const exportRejectedSchema = z.object({
  ...envelope,
  type: z.literal('streamsync.export.rejected.v1'),
  data: z.object({
    requestId: z.string(),
    message: z.string(),
    problem: problemSchema,
  }),
});
export type ExportRejected = z.infer<typeof exportRejectedSchema>;

/** Internal, on `exports.work`: a unit of work given to the slot whose partition it is published to. */
export const unitDispatchedSchema = z.object({
  ...envelope,
  type: z.literal('streamsync.unit.dispatched.v1'),
  data: z.object({ unitId: z.uuid(), dispatchId: z.uuid(), exportId: z.uuid() }),
});
export type UnitDispatched = z.infer<typeof unitDispatchedSchema>;
