import { SpanKind } from '@opentelemetry/api';
import type { IncomingRecord } from '../messaging/incoming-record.ts';
import { traceparentOf } from '../messaging/message-headers.ts';

/**
 * Returns the settings of the span in which records of one partition are handled. The span of a single record belongs to
 * the trace of its producer; that of a batch, whose records have many traces, is the first of its own.
 * (https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/)
 */
export function consumerSpan(records: readonly IncomingRecord[]) {
  const [first] = records;
  return {
    kind: SpanKind.CONSUMER,
    parent: records.length === 1 && first ? traceparentOf(first.headers) : undefined,
    attributes: {
      'messaging.system': 'kafka',
      'messaging.operation.type': 'process',
      'messaging.destination.name': first?.topic,
      'messaging.destination.partition.id': String(first?.partition),
      'messaging.kafka.offset': first?.offset,
      'messaging.batch.message_count': records.length,
    },
  };
}
