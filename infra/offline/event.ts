/**
 * Kafka messages as the records of an Amazon MSK event.
 *
 * As AWS builds it: keys and values in base64, absent when null; each header an object of its own
 * whose value is an array of *signed* bytes (Java's; aws-lambda-dotnet #1476, powertools-python
 * #6862), which `Buffer.from(array)` turns back into the bytes; offset and timestamp as numbers.
 */
import type { IHeaders, KafkaMessage } from 'kafkajs';
import type { MappingSettings } from './settings.ts';

export interface MskRecord {
  topic: string;
  partition: number;
  offset: number;
  timestamp: number;
  timestampType: 'CREATE_TIME' | 'LOG_APPEND_TIME';
  key?: string;
  value?: string;
  headers: Record<string, number[]>[];
}

export interface MskEvent {
  eventSource: 'aws:kafka';
  eventSourceArn: string;
  bootstrapServers: string;
  records: Record<string, MskRecord[]>;
}

/** kafkajs keeps the timestamp type of the record batch beside each message, outside its types. */
const isLogAppendTime = (message: KafkaMessage): boolean => {
  const context: unknown = 'batchContext' in message ? message.batchContext : undefined;
  return (
    typeof context === 'object' &&
    context !== null &&
    'timestampType' in context &&
    context.timestampType === 1
  );
};

const headerBytes = (value: Buffer | string): number[] => [...new Int8Array(Buffer.from(value))];

const isHeaderValue = (value: unknown): value is Buffer | string | null | undefined =>
  value === null || value === undefined || typeof value === 'string' || Buffer.isBuffer(value);

/** What is no value of a header is left out: senders choose the names, so kafkajs may come upon anything. */
const recordHeaders = (headers: IHeaders = {}): Record<string, number[]>[] =>
  Object.entries(headers).flatMap(([name, value]) => {
    const values: unknown[] = Array.isArray(value) ? value : [value];
    return values
      .filter(isHeaderValue)
      .map((each) => ({ [name]: each == null ? [] : headerBytes(each) }));
  });

export const mskRecord = (topic: string, partition: number, message: KafkaMessage): MskRecord => ({
  topic,
  partition,
  offset: Number(message.offset),
  timestamp: Number(message.timestamp),
  timestampType: isLogAppendTime(message) ? 'LOG_APPEND_TIME' : 'CREATE_TIME',
  ...(message.key == null ? {} : { key: message.key.toString('base64') }),
  ...(message.value == null ? {} : { value: message.value.toString('base64') }),
  headers: recordHeaders(message.headers),
});

/** @param records of one partition, in order */
export const mskEvent = (
  { eventSourceArn, bootstrapServers, topic }: MappingSettings,
  partition: number,
  records: MskRecord[],
): MskEvent => ({
  eventSource: 'aws:kafka',
  eventSourceArn,
  bootstrapServers,
  records: { [`${topic}-${partition}`]: records },
});
