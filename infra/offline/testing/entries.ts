import type { Entry } from '../batch.ts';

/** Returns an entry of the topic `t`, fetched at 0. */
export function testEntry(partition: number, offset: number, bytes = 1): Entry {
  return {
    record: {
      topic: 't',
      partition,
      offset,
      timestamp: 0,
      timestampType: 'CREATE_TIME',
      headers: [],
    },
    offset: BigInt(offset),
    bytes,
    fetchedAt: 0,
  };
}
