import { randomUUID } from 'node:crypto';
import type { ExportRequest } from '../contracts/export-request.ts';
import { mayStillRead, rightWithdrawn } from '../exports/rights.ts';
import { settle } from '../exports/states.ts';
import { type Queryable, transaction } from '../runtime/catalogue.ts';
import { endBackends } from '../sources/connection.ts';
import type { KeyRange } from '../sources/key-ranges.ts';
import { objectKeyOf } from '../storage/s3.ts';
import type {
  Checkpoint,
  Claim,
  Delivery,
  Outcome,
  Piece,
  Progress,
  StoredPiece,
} from './attempt.ts';
import { cancelUnit, failUnit } from './end.ts';
import { leaseSeconds, writtenElsewhere } from './lease.ts';
import { loseAttempt, lostTooOften, mostLostAttempts } from './lost.ts';

interface Row {
  unit_id: string;
  export_id: string;
  kind: 'read' | 'finalize';
  run: number;
  ordinal: number;
  units_total: number;
  range: KeyRange | null;
  checkpoint: Checkpoint | null;
  source: string;
  planned_connections: number;
  state: string;
  attempt_id: string | null;
  lost_attempts: number;
  request: ExportRequest;
  owner_id: string;
  owner_email: string;
  max_rows: number | null;
  max_bytes: number | null;
  elsewhere: Progress;
  cancel_requested_at: Date | null;
  permitted: boolean;
}

/**
 * Claims the unit of a delivery, or returns undefined: then the delivery is out of date, to be
 * acknowledged and dropped. Two kinds are not: the unit waits for just this dispatch, or it is running
 * from this same partition and offset, that is a redelivery: the former invocation is over, its
 * attempt lost, its backends are ended here.
 */
export async function claim(delivery: Delivery): Promise<Claim | undefined> {
  await reopenSlot(delivery);
  const result = await transaction(async (client) => {
    const row = await lockUnit(client, delivery);
    if (!row) return undefined;
    const lost = row.state === 'running' ? row.attempt_id : null;
    if (lost !== null) await loseAttempt(client, lost);
    const unit = { unitId: row.unit_id, exportId: row.export_id, attemptId: null };
    if (row.cancel_requested_at) {
      await cancelUnit(client, unit);
      return { lost, source: row.source, claim: undefined };
    }
    if (!row.permitted) {
      await failUnit(client, unit, rightWithdrawn);
      return { lost, source: row.source, claim: undefined };
    }
    if (lost !== null && row.lost_attempts + 1 >= mostLostAttempts) {
      await failUnit(client, unit, lostTooOften);
      return { lost, source: row.source, claim: undefined };
    }
    return { lost, source: row.source, claim: await mint(client, row, delivery) };
  });
  if (result?.lost) await endBackends(result.source, result.lost);
  return result?.claim;
}

/** A delivery at or past the offset of a lost attempt proves that its invocation is over. */
async function reopenSlot({ partition, offset }: Delivery): Promise<void> {
  await transaction((client) =>
    client.query(
      `update slots set closed_until = null, closed_offset = null
       where partition = $1 and closed_offset <= $2`,
      [partition, offset],
    ),
  );
}

/** Exports are locked before units, as everywhere. */
async function lockUnit(client: Queryable, delivery: Delivery): Promise<Row | undefined> {
  await client.query(
    'select 1 from exports where id = (select export_id from units where id = $1) for update',
    [delivery.unitId],
  );
  const { rows } = await client.query<Row>(
    `select u.id as unit_id, u.export_id, u.kind, u.run, u.ordinal, e.units_total, u.range, u.checkpoint,
       u.source, u.planned_connections, u.state, u.attempt_id, u.lost_attempts,
       e.request, e.owner_id, a.email as owner_email, a.max_rows, a.max_bytes, e.cancel_requested_at,
       ${mayStillRead} as permitted,
       ${writtenElsewhere} as elsewhere
     from units u join exports e on e.id = u.export_id join accounts a on a.id = e.owner_id
     where u.id = $1 and u.dispatch_id = $2
       and (u.state = 'dispatched'
         or (u.state = 'running' and u.partition = $3 and u."offset" = $4))
     for update of u`,
    [delivery.unitId, delivery.dispatchId, delivery.partition, delivery.offset],
  );
  return rows[0];
}

async function mint(client: Queryable, row: Row, delivery: Delivery): Promise<Claim> {
  const attemptId = randomUUID();
  const objectKey = objectKeyOf({ ownerId: row.owner_id, exportId: row.export_id, attemptId });
  const held = {
    unitId: row.unit_id,
    exportId: row.export_id,
    attemptId,
    ownerEmail: row.owner_email,
    limits: { maxRows: row.max_rows, maxBytes: row.max_bytes },
    elsewhere: row.elsewhere,
    source: row.source,
    request: row.request,
    objectKey,
    connections: row.planned_connections,
  };
  const claimed: Claim =
    row.kind === 'finalize'
      ? {
          ...held,
          kind: 'finalize',
          pieces: await piecesOf(client, row),
          checkpoint: row.checkpoint,
          completing: await lastCompleting(client, row.unit_id),
        }
      : row.units_total > 1
        ? { ...held, kind: 'piece', ordinal: row.ordinal, range: row.range }
        : {
            ...held,
            kind: 'whole',
            completing: wholeOnly(await lastCompleting(client, row.unit_id)),
          };
  await client.query(
    `insert into attempts (id, unit_id, export_id, partition, "offset", object_key)
     values ($1, $2, $3, $4, $5, $6)`,
    [attemptId, row.unit_id, row.export_id, delivery.partition, delivery.offset, objectKey],
  );
  await client.query(
    `update units set state = 'running', attempt_id = $2, partition = $3, "offset" = $4,
       lease_until = now() + interval '${leaseSeconds} seconds',
       running_since = now(), rows = 0, bytes = 0,
       lost_attempts = lost_attempts + case when state = 'running' then 1 else 0 end
     where id = $1`,
    [row.unit_id, attemptId, delivery.partition, delivery.offset],
  );
  // A lost attempt may have stood at completing: this one begins again.
  await settle(client, row.export_id);
  return claimed;
}

async function lastCompleting(
  client: Queryable,
  unitId: string,
): Promise<{ objectKey: string; outcome: Outcome | { bytes: number } } | null> {
  const { rows } = await client.query<{ object_key: string; outcome: Outcome | { bytes: number } }>(
    `select coalesce(completing_key, object_key) as object_key, outcome from attempts
     where unit_id = $1 and outcome is not null and state in ('lost', 'retried') and cleared_at is null
     order by started_at desc limit 1`,
    [unitId],
  );
  return rows[0] ? { objectKey: rows[0].object_key, outcome: rows[0].outcome } : null;
}

function wholeOnly(
  found: { objectKey: string; outcome: Outcome | { bytes: number } } | null,
): { objectKey: string; outcome: Outcome } | null {
  return found && 'manifest' in found.outcome
    ? { objectKey: found.objectKey, outcome: found.outcome }
    : null;
}

async function piecesOf(client: Queryable, { export_id, run }: Row): Promise<StoredPiece[]> {
  const { rows } = await client.query<{ outcome: Piece; object_key: string }>(
    `select outcome, object_key from units
     where export_id = $1 and run = $2 and kind = 'read' order by ordinal`,
    [export_id, run],
  );
  return rows.map(({ outcome, object_key }) => ({ ...outcome, objectKey: object_key }));
}
