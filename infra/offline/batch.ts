import type { KafkaRecord } from './event.ts';

/** A Lambda payload has at most 6 MB; 4 kB of them are for the event around the records. */
export const maxRecordBytes = 6 * 1024 * 1024 - 4096;

export interface Entry {
  record: KafkaRecord;
  offset: bigint;
  /** Size of the record in the payload. */
  bytes: number;
  /** When the record was first fetched, by `performance.now()`. */
  fetchedAt: number;
}

export function toEntry(record: KafkaRecord, offset: string, fetchedAt: number): Entry {
  return {
    record,
    offset: BigInt(offset),
    bytes: Buffer.byteLength(JSON.stringify(record)) + 1,
    fetchedAt,
  };
}

/** Returns whether no payload can have the entry. */
export const isTooLarge = ({ bytes }: Entry): boolean => bytes > maxRecordBytes;

export interface NextBatch {
  /** Number of entries of the next invocation, at least one if there are any: a record is never split. */
  length: number;
  /** Whether the batch cannot grow any more. */
  full: boolean;
}

export function nextBatch(
  entries: Iterable<Entry>,
  batchSize: number,
  maxBytes = maxRecordBytes,
): NextBatch {
  let bytes = 0;
  let length = 0;
  for (const entry of entries) {
    bytes += entry.bytes;
    if (length > 0 && bytes > maxBytes) return { length, full: true };
    length += 1;
    if (length === batchSize || bytes >= maxBytes) return { length, full: true };
  }
  return { length, full: false };
}
