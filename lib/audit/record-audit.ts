import type { AuditAction, AuditOutcome } from '../contracts/audit.ts';
import { shortened, sizes } from '../contracts/sizes.ts';
import type { Queryable } from '../runtime/catalogue.ts';
import {
  type AuditActor,
  describeRequest,
  type RecordedDetails,
  type RequestAudit,
  requestAudit,
} from './request-audit.ts';

export interface AuditRecord {
  actor: AuditActor;
  action: AuditAction;
  /** What it was done to: the id of an export or key, the email of an account, the name of a source. */
  target: string | null;
  outcome: AuditOutcome;
  details?: RecordedDetails;
  /** The export that it concerns, if any. By default the target, if that is a UUID and the action is about an export. */
  exportId?: string | null;
}

/**
 * Records what was done. Call it in the transaction of the change, so that there is no change without its entry.
 *
 * @param address of the client, null if the system acts by itself
 */
export async function recordAudit(
  client: Queryable,
  record: AuditRecord,
  address: string | null,
): Promise<void> {
  const { actor, action, target, outcome } = record;
  const account = typeof actor === 'string' ? null : actor;
  await client.query(
    `insert into audit.entries (actor_id, actor, action, target, export_id, address, outcome, details)
     values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      account?.id ?? null,
      account?.email ?? actor,
      action,
      target === null ? null : storable(target, sizes.emailCharacters),
      exportIdOf(record),
      address === null ? null : storable(address, addressCharacters),
      outcome,
      JSON.stringify(boundedDetails(record.details ?? {})),
    ],
  );
  const request = requestAudit();
  if (request?.action === action) request.recorded = true;
}

/**
 * Records the change of the request that is being answered, in its transaction: then the handler writes no entry of its
 * own. Has no effect outside of an audited request.
 */
export async function recordRequest(
  client: Queryable,
  more: Partial<Omit<RequestAudit, 'recorded'>> = {},
): Promise<void> {
  describeRequest(more);
  const request = requestAudit();
  if (request) await recordAudit(client, { ...request, outcome: 'done' }, request.address);
}

const addressCharacters = 45;
const maxFields = 20;
const maxItems = 20;

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function exportIdOf({ exportId, action, target }: AuditRecord): string | null {
  if (exportId !== undefined) return exportId;
  const concernsExport = /^(export|event|ticket|download)\./.test(action);
  return concernsExport && target !== null && uuid.test(target) ? target : null;
}

/** Text in PostgreSQL has no NUL and no lone surrogates. */
const storable = (text: string, characters: number): string =>
  shortened(text.replaceAll('\0', '').toWellFormed(), characters);

/** Returns the details with at most 20 fields of bounded size, whatever the caller took from a request. */
function boundedDetails(details: RecordedDetails): RecordedDetails {
  const bounded = Object.entries(details)
    .slice(0, maxFields)
    .map(([name, value]) => [name, boundedValue(value)]);
  const fields: RecordedDetails = Object.fromEntries(bounded);
  return Buffer.byteLength(JSON.stringify(fields)) <= maxDetailsBytes ? fields : { omitted: true };
}

/** Less than the table allows, because PostgreSQL writes jsonb with spaces. */
const maxDetailsBytes = 6_144;

function boundedValue(value: RecordedDetails[string]): RecordedDetails[string] {
  if (typeof value === 'string') return storable(value, sizes.errorCharacters);
  if (Array.isArray(value))
    return value.slice(0, maxItems).map((item) => storable(item, sizes.errorCharacters));
  return value;
}
