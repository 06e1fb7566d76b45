/**
 * What a destination gets about records that were not processed.
 * https://docs.aws.amazon.com/lambda/latest/dg/kafka-on-failure.html (S3)
 * https://docs.aws.amazon.com/lambda/latest/dg/kafka-on-failure-destination.html (a Kafka topic)
 */
import { type KafkaRecord, kafkaEvent } from './event.ts';
import type { MappingSettings } from './mapping-settings.ts';

/** AWS documents the first two for Kafka; the last is that of its other streams. */
export type FailureCondition =
  | 'RetryAttemptsExhausted'
  | 'MaximumPayloadSizeExceeded'
  | 'RecordAgeExceeded';

export interface Failure {
  condition: FailureCondition;
  /** At least one; those of a partition are in order. */
  records: readonly KafkaRecord[];
  /** The last invocation with these records; undefined for records that were never invoked. */
  invocation: { requestId: string; hasThrown: boolean } | undefined;
  invocations: number;
  at: Date;
}

type MappingOfRecord = Pick<MappingSettings, 'functionArn' | 'eventSourceArn' | 'bootstrapServers'>;

const iso = (timestamp: number): string => new Date(timestamp).toISOString();

function contexts({ invocation, at }: Failure): object {
  return {
    responseContext:
      invocation === undefined
        ? null
        : {
            statusCode: 200,
            executedVersion: '$LATEST',
            ...(invocation.hasThrown ? { functionError: 'Unhandled' } : {}),
          },
    version: '1.0',
    timestamp: at.toISOString(),
  };
}

function batchInfo(mapping: MappingOfRecord, batchSize: number, payload: object): object {
  const { eventSourceArn, bootstrapServers } = mapping;
  return {
    batchSize,
    ...(eventSourceArn === undefined ? {} : { eventSourceArn }),
    bootstrapServers,
    payloadSize: Buffer.byteLength(JSON.stringify(payload)),
  };
}

function rangeOf(records: readonly KafkaRecord[]): object {
  const [first, last] = [records[0], records.at(-1)];
  return {
    firstRecordOffset: String(first?.offset),
    lastRecordOffset: String(last?.offset),
    firstRecordTimestamp: iso(first?.timestamp ?? 0),
    lastRecordTimestamp: iso(last?.timestamp ?? 0),
  };
}

/** Returns the object for S3: all records, with the event as text. `requestId` is for records without an invocation. */
export function batchFailure(
  mapping: MappingOfRecord,
  failure: Failure,
  requestId: string,
): object {
  const { condition, records, invocation, invocations } = failure;
  const payload = kafkaEvent(mapping, records);
  return {
    requestContext: {
      requestId: invocation?.requestId ?? requestId,
      functionArn: mapping.functionArn,
      condition,
      approximateInvokeCount: invocations,
    },
    ...contexts(failure),
    KafkaBatchInfo: {
      ...batchInfo(mapping, records.length, payload),
      recordsInfo: Object.fromEntries(
        Object.entries(payload.records).map(([name, ofPartition]) => [name, rangeOf(ofPartition)]),
      ),
    },
    payload: JSON.stringify(payload),
  };
}

/** Returns the message for a Kafka topic: one record, with the event as an object. */
export function recordFailure(
  mapping: MappingOfRecord,
  failure: Failure,
  record: KafkaRecord,
  requestId: string,
): object {
  const { condition, invocation, invocations } = failure;
  const payload = kafkaEvent(mapping, [record]);
  return {
    requestContext: {
      requestId: invocation?.requestId ?? requestId,
      functionArn: `${mapping.functionArn}:$LATEST`,
      condition: condition === 'RetryAttemptsExhausted' ? 'RetriesExhausted' : condition,
      approximateInvokeCount: invocations,
    },
    ...contexts(failure),
    KafkaBatchInfo: {
      ...batchInfo(mapping, 1, payload),
      recordInfo: { offset: String(record.offset), timestamp: iso(record.timestamp) },
    },
    payload,
  };
}
