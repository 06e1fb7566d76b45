import { topics } from '../messaging/topics.ts';
import { catalogue, type Queryable } from '../runtime/catalogue.ts';
import type { Delivery } from './claim-types.ts';

/** Creates one slot for each partition of `exports.work`; existing slots stay as they are. */
export async function createSlots(client: Queryable): Promise<void> {
  await client.query(
    'insert into slots (partition) select generate_series(0, $1::int - 1) on conflict do nothing',
    [topics.work.partitions],
  );
}

/**
 * Reopens the slot of a lost attempt. Call it when the invocation of the attempt has ended, or when a delivery at or
 * after its offset proves that it has.
 */
export async function reopenSlot({ partition, offset }: Delivery): Promise<void> {
  await catalogue().query(
    `update slots set closed_until = null, closed_offset = null
     where partition = $1 and closed_offset <= $2`,
    [partition, offset],
  );
}
