import type { MskRecord } from './event.ts';

/** A Lambda payload is 6 MB at most; the rest is for what surrounds the records in the event. */
export const MAX_RECORD_BYTES = 6 * 1024 * 1024 - 4096;

export interface Entry {
  readonly record: MskRecord;
  readonly offset: bigint;
  /** Its size in the payload. */
  readonly bytes: number;
  /** When it was first fetched, by `performance.now()`. */
  readonly takenAt: number;
}

export const entryOf = (record: MskRecord, offset: string, takenAt: number): Entry => ({
  record,
  offset: BigInt(offset),
  bytes: Buffer.byteLength(JSON.stringify(record)) + 1,
  takenAt,
});

export interface NextBatch {
  /** How many entries from the first on make the next invocation: at least one, as a record is never split. */
  readonly length: number;
  /** Whether waiting longer could add nothing to it. */
  readonly full: boolean;
}

export const nextBatch = (
  entries: readonly Entry[],
  batchSize: number,
  maxBytes = MAX_RECORD_BYTES,
): NextBatch => {
  let bytes = 0;
  for (const [index, entry] of entries.entries()) {
    bytes += entry.bytes;
    if (index > 0 && bytes > maxBytes) return { length: index, full: true };
    if (index + 1 === batchSize || bytes >= maxBytes) return { length: index + 1, full: true };
  }
  return { length: entries.length, full: false };
};
