import { z } from 'zod';
import { csvListQueryFields, nextCursorSchema } from './admin-lists.ts';
import { sizes } from './sizes.ts';

/**
 * The closed list of audited actions. An action of a route is in its definition (`audit`), and the entry is written by
 * the HTTP handler; parts of the system record the others.
 */
const auditActions = [
  'session.create',
  'session.end',
  'session.end-all',
  'password.change',
  'key.create',
  'key.revoke',
  'account.create',
  'account.change',
  'account.revoke',
  'account.set-limits',
  'account.set-event-policy',
  'account.set-grants',
  'source.pause',
  'source.resume',
  'export.create',
  'export.retry',
  'export.cancel',
  'export.delete',
  'export.expire',
  'export.acknowledge',
  'event.accept',
  'event.reject',
  'ticket.create',
  'live-ticket.create',
  'download.refuse',
  'download.deliver',
  'readings.create',
  'dead-letter.replay',
  'dead-letter.discard',
] as const;
const auditActionSchema = z.enum(auditActions);
export type AuditAction = z.infer<typeof auditActionSchema>;

/** `refused`: nothing was changed. `failed`: something broke, and part of it may have been done. */
const auditOutcomes = ['done', 'refused', 'failed'] as const;
const outcomeSchema = z.enum(auditOutcomes);
export type AuditOutcome = z.infer<typeof outcomeSchema>;

/** Further facts of an entry: names and numbers, never secrets or values of conditions. */
const auditDetailsSchema = z.record(
  z.string(),
  z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(z.string())]),
);
export type AuditDetails = z.infer<typeof auditDetailsSchema>;

const auditEntrySchema = z.object({
  id: z.string().meta({ description: 'increases with each entry' }),
  at: z.iso.datetime(),
  actor: z.string().meta({
    description:
      'the email of the account, `anonymous`, or a part of the system: `sweep`, `events`, `delivery`, `command`',
  }),
  action: auditActionSchema,
  target: z.string().nullable().meta({
    description: 'the id of the export or key, the email of the account, the name of the source',
  }),
  address: z.string().nullable().meta({ description: 'of the client; null: it was not a client' }),
  outcome: outcomeSchema,
  details: auditDetailsSchema,
});
export type AuditEntry = z.infer<typeof auditEntrySchema>;

export const auditQuerySchema = z.strictObject({
  ...csvListQueryFields,
  actor: z.string().min(1).max(sizes.emailCharacters).optional().meta({
    description: 'entries of this account or part of the system',
  }),
  action: auditActionSchema.optional(),
  export: z.uuid().optional().meta({ description: 'entries about this export' }),
});
export type AuditQuery = z.infer<typeof auditQuerySchema>;

export const auditListSchema = z.object({
  items: z.array(auditEntrySchema),
  nextCursor: nextCursorSchema,
});
export type AuditList = z.infer<typeof auditListSchema>;
