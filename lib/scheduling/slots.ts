import { topics } from '../messaging/topics.ts';
import type { Queryable } from '../runtime/catalogue.ts';

/** Creates one slot for each partition of `exports.work`; existing slots stay as they are. */
export async function createSlots(client: Queryable): Promise<void> {
  await client.query(
    'insert into slots (partition) select generate_series(0, $1::int - 1) on conflict do nothing',
    [topics.work.partitions],
  );
}
