import { randomUUIDv7 } from 'node:crypto';
import type { Account } from '../../access/accounts.ts';
import { recordRequest } from '../../audit/record-audit.ts';
import { describeRequest } from '../../audit/request-audit.ts';
import type { AuditDetails } from '../../contracts/audit.ts';
import type { ExportRequest } from '../../contracts/export-request.ts';
import { catalogue, type Queryable, transaction } from '../../runtime/catalogue.ts';
import { currentTraceparent } from '../../runtime/tracing.ts';
import {
  findPreviousResult,
  type IdempotencyKey,
  storeIdempotencyKey,
} from '../events/idempotency.ts';
import { publishResult } from '../events/result-events.ts';
import { insertUnits, planExport } from '../planning/plan.ts';
import { policyNow } from '../rights.ts';
import { requireRoom, requireRoomAtLast } from './queue-limits.ts';

interface NewExport {
  owner: Account;
  request: ExportRequest;
  /** Null if the client sent none: then every call creates an export. */
  idempotencyKey: IdempotencyKey | null;
  /** Id of the event that requested the export; null if the API did. */
  requestEventId: string | null;
}

/**
 * Creates an export: its row, units and `accepted` event in one transaction. Returns its id, or that of the export that
 * an earlier request with the same idempotency key created, whatever its state. Throws an `AppError` if the request is
 * rejected.
 */
export async function createExport(newExport: NewExport): Promise<string> {
  const previous = await findPrevious(catalogue(), newExport.idempotencyKey);
  if (previous) {
    describeRequest({ target: previous, details: { repeated: true } });
    return previous;
  }

  const { owner, request, requestEventId } = newExport;
  describeRequest({ details: summaryOf(request) });
  // Checked before the source is queried, and again in the transaction.
  const quota = await requireRoom(catalogue(), owner.id, null);
  const plan = await planExport(owner, request, quota);

  return transaction(async (client) => {
    const id = randomUUIDv7();
    await client.query(
      `insert into exports
         (id, owner_id, request, request_event_id, estimated_rows, estimated_seconds, units_total,
          estimated_bytes, traceparent, policy)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, ${policyNow('$2', '$3')})`,
      [
        id,
        owner.id,
        request,
        requestEventId,
        plan.estimatedRows,
        plan.estimatedSeconds,
        plan.units.length,
        plan.estimatedBytes,
        currentTraceparent(),
      ],
    );
    if (
      newExport.idempotencyKey &&
      !(await storeIdempotencyKey(client, newExport.idempotencyKey, id))
    ) {
      const concurrent = await findPrevious(client, newExport.idempotencyKey);
      await client.query('delete from exports where id = $1', [id]);
      if (concurrent) return concurrent;
      throw new Error('an idempotency key was stored and deleted within one request');
    }
    await insertUnits(client, id, 1, plan);
    await publishResult(client, id, 'accepted');
    await recordRequest(client, { target: id });
    await requireRoomAtLast(client, owner.id, id, plan);
    return id;
  });
}

async function findPrevious(
  client: Queryable,
  idempotencyKey: IdempotencyKey | null,
): Promise<string | undefined> {
  const previous = idempotencyKey ? await findPreviousResult(client, idempotencyKey) : undefined;
  return previous?.exportId ?? undefined;
}

/** What the audit has of a request: no values of conditions. */
const summaryOf = ({ sources, dataset, format, from, to }: ExportRequest): AuditDetails => ({
  sources,
  dataset,
  format,
  ...(from === undefined ? {} : { from }),
  ...(to === undefined ? {} : { to }),
});
