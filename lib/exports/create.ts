import { randomUUIDv7 } from 'node:crypto';
import type { Account } from '../access/accounts.ts';
import type { ExportRequest } from '../contracts/export-request.ts';
import { catalogue, type Queryable, transaction } from '../runtime/catalogue.ts';
import { type Asking, earlierAnswer, remember } from './idempotency.ts';
import { emitOutcome } from './outcomes.ts';
import { insertUnits, planExport } from './plan.ts';
import { requireRoom, requireRoomAtLast } from './waiting.ts';

interface NewExport {
  owner: Account;
  request: ExportRequest;
  /** Null if every call is a new asking. */
  asking: Asking | null;
  /** Id of the event that asked. */
  requestEventId: string | null;
}

/**
 * Makes an export: the row, its units and the `accepted` event in one transaction. The same asking
 * again gives the export it gave before, whatever became of it. Returns its id, throws refusals.
 */
export async function createExport(wanted: NewExport): Promise<string> {
  const earlier = await before(catalogue(), wanted.asking);
  if (earlier) return earlier;

  const { owner, request, requestEventId } = wanted;
  // Before the source is asked anything.
  await requireRoom(catalogue(), owner.id, null);
  const plan = await planExport(owner, request);

  return transaction(async (client) => {
    const id = randomUUIDv7();
    await client.query(
      `insert into exports
         (id, owner_id, request, request_event_id, estimated_rows, estimated_seconds, units_total)
       values ($1, $2, $3, $4, $5, $6, $7)`,
      [
        id,
        owner.id,
        request,
        requestEventId,
        plan.estimatedRows,
        plan.estimatedSeconds,
        plan.units.length,
      ],
    );
    if (wanted.asking && !(await remember(client, wanted.asking, id))) {
      const other = await before(client, wanted.asking);
      await client.query('delete from exports where id = $1', [id]);
      if (other) return other;
      throw new Error('an idempotency key was answered and forgotten within one request');
    }
    await insertUnits(client, id, 1, plan);
    await emitOutcome(client, id, 'accepted');
    await requireRoomAtLast(client, owner.id, id);
    return id;
  });
}

async function before(client: Queryable, asking: Asking | null): Promise<string | undefined> {
  const answered = asking ? await earlierAnswer(client, asking) : undefined;
  return answered?.exportId ?? undefined;
}
