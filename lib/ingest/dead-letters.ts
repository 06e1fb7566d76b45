import { createHash } from 'node:crypto';
import { letterOf } from '../messaging/dead-letter.ts';
import type { IncomingRecord } from '../messaging/incoming-record.ts';
import { enqueueAll } from '../messaging/outbox.ts';
import { deadLetterTopicOf } from '../messaging/topics.ts';

/** A record that cannot be stored, and why. */
export interface RejectedRecord {
  record: IncomingRecord;
  reason: string;
}

/**
 * Enqueues rejected records for the dead letter topic of their topic, with their bytes and the reason. A batch that is
 * delivered again adds none: the id of each message follows from the place of its record.
 */
export async function sendRejected(
  rejected: readonly RejectedRecord[],
  epoch: number,
): Promise<void> {
  await enqueueAll(
    rejected.map(({ record, reason }) => ({
      topic: deadLetterTopicOf(record.topic),
      ...letterOf(record, record, reason),
      eventId: idOf(record, epoch),
    })),
  );
}

/** Returns a UUID of version 8. */
function idOf({ topic, partition, offset }: IncomingRecord, epoch: number): string {
  const hash = createHash('sha256').update(`${topic}/${epoch}/${partition}/${offset}`).digest();
  hash.writeUInt8((hash.readUInt8(6) & 0x0f) | 0x80, 6);
  hash.writeUInt8((hash.readUInt8(8) & 0x3f) | 0x80, 8);
  return hash.toString('hex', 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
