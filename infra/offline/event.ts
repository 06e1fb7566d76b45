/**
 * Converts Kafka messages to the records of an event of Amazon MSK or self-managed Kafka.
 *
 * As in AWS, keys and values are base64, absent if null; each header is an object of its own
 * whose value is an array of *signed* bytes (Java's; aws-lambda-dotnet #1476, powertools-python
 * #6862), which `Buffer.from(array)` converts back; offset and timestamp are numbers.
 */
import type { IHeaders, KafkaMessage } from 'kafkajs';
import type { MappingSettings } from './mapping-settings.ts';

export interface KafkaRecord {
  topic: string;
  partition: number;
  offset: number;
  timestamp: number;
  timestampType: 'CREATE_TIME' | 'LOG_APPEND_TIME';
  key?: string;
  value?: string;
  headers: Record<string, number[]>[];
}

export interface KafkaEvent {
  eventSource: 'aws:kafka' | 'SelfManagedKafka';
  /** Absent for self-managed Kafka. */
  eventSourceArn?: string;
  bootstrapServers: string;
  records: Record<string, KafkaRecord[]>;
}

/** kafkajs has the timestamp type of the record batch at each message, but not in its types. */
function isLogAppendTime(message: KafkaMessage): boolean {
  const context: unknown = 'batchContext' in message ? message.batchContext : undefined;
  return (
    typeof context === 'object' &&
    context !== null &&
    'timestampType' in context &&
    context.timestampType === 1
  );
}

const headerBytes = (value: Buffer | string): number[] => [...new Int8Array(Buffer.from(value))];

function isHeaderValue(value: unknown): value is Buffer | string | null | undefined {
  return (
    value === null || value === undefined || typeof value === 'string' || Buffer.isBuffer(value)
  );
}

/** Leaves out values that are neither text nor bytes: senders choose the names, and kafkajs reads inherited properties. */
function recordHeaders(headers: IHeaders = {}): Record<string, number[]>[] {
  return Object.entries(headers).flatMap(([name, value]) => {
    const values: unknown[] = Array.isArray(value) ? value : [value];
    return values
      .filter(isHeaderValue)
      .map((each) => ({ [name]: each == null ? [] : headerBytes(each) }));
  });
}

export function kafkaRecord(topic: string, partition: number, message: KafkaMessage): KafkaRecord {
  return {
    topic,
    partition,
    offset: Number(message.offset),
    timestamp: Number(message.timestamp),
    timestampType: isLogAppendTime(message) ? 'LOG_APPEND_TIME' : 'CREATE_TIME',
    ...(message.key == null ? {} : { key: message.key.toString('base64') }),
    ...(message.value == null ? {} : { value: message.value.toString('base64') }),
    headers: recordHeaders(message.headers),
  };
}

/** Returns the event for `records`, in which those of a partition are in order. */
export function kafkaEvent(
  {
    eventSourceArn,
    bootstrapServers,
  }: Pick<MappingSettings, 'eventSourceArn' | 'bootstrapServers'>,
  records: readonly KafkaRecord[],
): KafkaEvent {
  return {
    ...(eventSourceArn === undefined
      ? { eventSource: 'SelfManagedKafka' }
      : { eventSource: 'aws:kafka', eventSourceArn }),
    bootstrapServers,
    records: byPartition(records),
  };
}

/** Returns the first record of each partition for a log, like `orders-0@5, orders-3@17`. */
export const placesOf = (records: readonly KafkaRecord[]): string =>
  Object.entries(byPartition(records))
    .map(([name, [first]]) => `${name}@${first?.offset}`)
    .join(', ');

function byPartition(records: readonly KafkaRecord[]): Record<string, KafkaRecord[]> {
  const groups: Record<string, KafkaRecord[]> = {};
  for (const record of records) (groups[`${record.topic}-${record.partition}`] ??= []).push(record);
  return groups;
}
