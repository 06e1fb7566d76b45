import type { MSKEvent, MSKRecord } from 'aws-lambda';
import type { Origin } from './dead-letter.ts';
import type { MessageParts } from './message-headers.ts';

/** A record of a batch, decoded from base64. */
export interface IncomingRecord extends MessageParts, Origin {}

/** Returns the records of an event, those of each partition in the order of their offsets. */
export const partitionsOf = (event: MSKEvent): IncomingRecord[][] =>
  Object.values(event.records).map((records) => records.map(incomingRecord));

/** A null key or value arrives as absent, null or empty, depending on the delivery path. */
const decode = (text: string | null | undefined): Buffer | null =>
  text === undefined || text === null || text === '' ? null : Buffer.from(text, 'base64');

export const incomingRecord = (record: MSKRecord): IncomingRecord => ({
  topic: record.topic,
  partition: record.partition,
  offset: record.offset,
  key: decode(record.key),
  value: decode(record.value),
  headers: record.headers.flatMap((header) =>
    Object.entries(header).map(([key, bytes]) => ({ key, value: Buffer.from(bytes) })),
  ),
});
