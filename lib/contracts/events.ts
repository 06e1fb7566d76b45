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
 * The fields without which an event cannot be answered. `data`, an export request and `requestedBy` (the email of an
 * account that may request exports by event), is parsed later, by the schema of the API, so that a wrong request is
 * answered with `rejected`.
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
  // A longer text is not matched by the regex of emails.
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
export type ExportOutcome = (typeof outcomes)[number];

const eventConditionSchema = whereConditionSchema.pick({ column: true, op: true });
const eventItemSchema = z.union([
  eventConditionSchema,
  z.strictObject({ any: z.array(eventConditionSchema) }),
]);
type EventItem = z.infer<typeof eventItemSchema>;

/**
 * Removes the values of conditions, because every reader of the topic sees the events of all owners. The API returns
 * the values to the owner.
 */
export const withoutValues = (where: readonly WhereItem[]): EventItem[] => {
  const columnAndOperator = ({ column, op }: WhereCondition) => ({ column, op });
  return where.map((item) =>
    'any' in item ? { any: item.any.map(columnAndOperator) } : columnAndOperator(item),
  );
};

const resultData = exportDocumentSchema.extend({
  request: z
    .strictObject({
      ...exportRequestFields.shape,
      where: z.array(eventItemSchema).optional().meta({
        description: 'column and operator of each condition, without its value',
      }),
    })
    .meta({
      description: 'the request; the short form of the event omits `where` and `columns`',
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

/** Internal, on `exports.work`: a unit that was dispatched to the slot of the partition. */
export const unitDispatchedSchema = z.object({
  ...envelope,
  type: z.literal('streamsync.unit.dispatched.v1'),
  data: z.object({ unitId: z.uuid(), dispatchId: z.uuid(), exportId: z.uuid() }),
});
export type UnitDispatched = z.infer<typeof unitDispatchedSchema>;

/** Internal, on `deliveries`: a response that sent bytes of a file, as NGINX logs it. The id is that of the request. */
export const fileDeliveredSchema = z.object({
  ...envelope,
  id: z.string().min(1).max(sizes.requestIdCharacters),
  type: z.literal('streamsync.file.delivered.v1'),
  time: z.iso.datetime({ offset: true }),
  data: z.object({
    ticketId: z.uuid(),
    exportId: z.uuid(),
    accountId: z.uuid(),
    objectKey: z.string().max(sizes.nameCharacters),
    address: z.string().max(sizes.requestIdCharacters),
    status: z.union([z.literal(200), z.literal(206)]),
    /** Position of the first byte that was sent. */
    firstByte: z.int().nonnegative(),
    /** Bytes that were sent from there on. */
    bytes: z.int().nonnegative(),
    /** Whether all bytes of the response were sent. */
    complete: z.boolean(),
  }),
});
export type FileDelivered = z.infer<typeof fileDeliveredSchema>;
