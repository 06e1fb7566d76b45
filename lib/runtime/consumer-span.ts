import { SpanKind } from '@opentelemetry/api';
import type { IncomingRecord } from '../messaging/incoming-record.ts';
import { traceparentOf } from '../messaging/message-headers.ts';
import { isTracing } from './tracing.ts';

/** A batch has thousands of records; its span names this many of their traces. */
const maxLinks = 100;

/**
 * Returns the settings of the span in which records of one partition are handled. The span of a single record belongs to
 * the trace of its producer; that of a batch starts a trace of its own, with links to those of its records.
 * (https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/)
 */
export function consumerSpan(records: readonly IncomingRecord[]) {
  const [first] = records;
  // Without tracing the headers of thousands of readings are not searched.
  const traced = isTracing ? records : [];
  const traces = new Set(traced.flatMap(({ headers }) => traceparentOf(headers) ?? []));
  return {
    kind: SpanKind.CONSUMER,
    ...(records.length === 1
      ? { parent: [...traces][0] }
      : { links: [...traces].slice(0, maxLinks) }),
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
