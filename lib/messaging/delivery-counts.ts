import { catalogue, type Queryable } from '../runtime/catalogue.ts';
import type { Origin } from './letter.ts';

/** Records whose last delivery to this process ended because the catalogue was away: it does not count. */
const excused = new Set<string>();

const nameOf = ({ topic, partition, offset }: Origin): string => `${topic}-${partition}@${offset}`;

/**
 * Counts a delivery of a record before it is handled, so that one which ends or hangs its process counts
 * as well; returns how many there were. Those before a start of the catalogue are not counted: then it
 * may have been the catalogue.
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
  if (!row) throw new Error('the catalogue did not say how often a record was delivered');
  return row.times;
}

/**
 * After a delivery that came to nothing: if the catalogue does not answer now, the record is not the cause,
 * and it does not count. Returns whether that is so.
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

/** The record is through: it will not be delivered again, or if it is, it is counted anew. */
export async function forgetDeliveries(
  { topic, partition, offset }: Origin,
  client: Queryable = catalogue(),
): Promise<void> {
  await client.query(
    'delete from deliveries where topic = $1 and partition = $2 and "offset" = $3',
    [topic, partition, offset],
  );
}
