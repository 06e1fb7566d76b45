import middy from '@middy/core';
import type { Context, MSKEvent } from 'aws-lambda';
import { z } from 'zod';
import { forLog } from './errors.ts';
import { logger } from './logger.ts';

/** One record of a batch, decoded from the base64 of the event. */
export interface IncomingRecord {
  topic: string;
  partition: number;
  offset: number;
  key: Buffer | null;
  value: Buffer | null;
  headers: { key: string; value: Buffer }[];
}

/**
 * The one stack of every Kafka function. A thrown error makes Lambda deliver the batch again, for
 * ever: `handle` throws only for what another try can mend (the catalogue is away).
 */
export function kafkaFunction(handle: (record: IncomingRecord, context: Context) => Promise<void>) {
  return middy<MSKEvent, undefined>()
    .use({
      onError: ({ error, event, context }) => {
        logger.error('batch failed, it will be delivered again', {
          function: context.functionName,
          eventIds: recordsOf(event).slice(0, mostNamed).map(eventIdOf),
          error: forLog(error),
        });
      },
    })
    .handler(async (event, context) => {
      for (const record of recordsOf(event)) await handle(record, context);
      return undefined;
    });
}

/** How many events of a failed batch the log names. */
const mostNamed = 20;
const eventSchema = z.looseObject({ id: z.string().max(255) });

/** The id of a record that is a CloudEvent in structured form, for the log: nothing has checked it yet. */
export function eventIdOf({ value }: IncomingRecord): string | undefined {
  try {
    return eventSchema.safeParse(JSON.parse(value?.toString() ?? '')).data?.id;
  } catch {
    return undefined;
  }
}

/** Null keys and values come absent, null or empty, by delivery path: all mean none. */
const decode = (text: string | null | undefined): Buffer | null =>
  text === undefined || text === null || text === '' ? null : Buffer.from(text, 'base64');

function recordsOf(event: MSKEvent): IncomingRecord[] {
  return Object.values(event.records)
    .flat()
    .map((record) => ({
      topic: record.topic,
      partition: record.partition,
      offset: record.offset,
      key: decode(record.key),
      value: decode(record.value),
      headers: record.headers.flatMap((header) =>
        Object.entries(header).map(([key, bytes]) => ({ key, value: Buffer.from(bytes) })),
      ),
    }));
}
