import middy from '@middy/core';
import type { Context, MSKEvent } from 'aws-lambda';
import { type IncomingRecord, incomingRecord } from '../messaging/incoming-record.ts';
import { consumerSpan } from './consumer-span.ts';
import { serializeError } from './errors.ts';
import { logger } from './logger.ts';
import { addMetrics, type Metric } from './metrics.ts';
import { flushSpans, withSpan } from './tracing.ts';

/** What became of the records of a partition, by the name of the metric. */
type Counts = Readonly<Record<string, number>>;

/**
 * Returns a Kafka function that handles the records of a partition together, one partition after the other. If `handle`
 * throws, Lambda delivers the whole event again, without limit: it must be able to handle records a second time.
 *
 * The counts that `handle` returns are metrics of the function and the topic, like the age of the oldest record of the
 * partition when they were handled.
 */
export const kafkaBatchHandler = (
  handle: (records: readonly IncomingRecord[], context: Context) => Promise<Counts>,
) =>
  middy<MSKEvent, undefined>()
    .use({
      onError: ({ error, event, context }) => {
        logger.error('batch failed, it will be delivered again', {
          function: context.functionName,
          partitions: Object.keys(event.records),
          error: serializeError(error),
        });
      },
    })
    .handler(async (event: MSKEvent, context) => {
      try {
        for (const delivered of Object.values(event.records)) {
          const records = delivered.map(incomingRecord);
          const [first] = records;
          if (first === undefined) continue;
          const counts = await withSpan(`process ${first.topic}`, consumerSpan(records), () =>
            handle(records, context),
          );
          measureBatch({ function: context.functionName, topic: first.topic }, counts, delivered);
        }
      } finally {
        await flushSpans();
      }
      return undefined;
    });

function measureBatch(
  dimensions: Record<string, string>,
  counts: Counts,
  delivered: readonly { timestamp: number }[],
): void {
  const oldest = delivered.reduce((min, { timestamp }) => Math.min(min, timestamp), Infinity);
  addMetrics(dimensions, {
    ...Object.fromEntries(
      Object.entries(counts).map(([name, value]): [string, Metric] => [
        name,
        { unit: 'Count', value },
      ]),
    ),
    // Zero if the clock of the producer is ahead.
    recordAge: { unit: 'Milliseconds', value: Math.max(0, Date.now() - oldest) },
  });
}
