import { catalogue, type Queryable } from '../runtime/catalogue.ts';
import type { Origin } from './dead-letter.ts';

/** Records whose last delivery to this process failed because the catalogue was unreachable: it does not count. */
const excused = new Set<string>();

const nameOf = ({ topic, partition, offset }: Origin): string => `${topic}-${partition}@${offset}`;

/**
 * Counts a delivery of a record before it is handled, so that a delivery which ends or hangs its process counts,
 * and returns the count. Deliveries before the last start of the catalogue do not count: the catalogue may have
 * been their cause.
 */
export async function countDelivery(record: Origin): Promise<number> {
  const { rows } = await catalogue().query<{ times: number }>(
    `insert into deliveries (topic, partition, "offset") values ($1, $2, $3)
     on conflict (topic, partition, "offset") do update
       set times = case when deliveries.last_at < pg_postmaster_start_time() then 1
         else deliveries.times + $4 end, last_at = now()
     returning times`,
    [record.topic, record.partition, record.offset, excused.has(nameOf(record)) ? 0 : 1],
  );
  excused.delete(nameOf(record));
  const [row] = rows;
  if (!row) throw new Error('the catalogue returned no delivery count of a record');
  return row.times;
}

/**
 * Call it after a failed delivery. If the catalogue does not answer now, the record is not the cause: the delivery
 * does not count, and it returns true.
 */
export async function excuseIfAway(record: Origin): Promise<boolean> {
  try {
    await catalogue().query('select 1');
    return false;
  } catch {
    excused.add(nameOf(record));
    return true;
  }
}

/** Call it when a record is done. If it is delivered again, counting starts at 1. */
export async function forgetDeliveries(
  { topic, partition, offset }: Origin,
  client: Queryable = catalogue(),
): Promise<void> {
  await client.query(
    'delete from deliveries where topic = $1 and partition = $2 and "offset" = $3',
    [topic, partition, offset],
  );
}
