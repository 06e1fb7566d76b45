import middy from '@middy/core';
import type { Context, MSKEvent } from 'aws-lambda';
import { z } from 'zod';
import { sizes, sizeText } from '../contracts/sizes.ts';
import { attributesOf, isBinary } from '../messaging/binary-event.ts';
import { sendToDeadLetters } from '../messaging/dead-letters.ts';
import { countDelivery, excuseIfAway, forgetDeliveries } from '../messaging/delivery-counts.ts';
import { type IncomingRecord, partitionsOf } from '../messaging/incoming-record.ts';
import type { Header } from '../messaging/message-headers.ts';
import { relay } from '../messaging/outbox.ts';
import { transaction } from './catalogue.ts';
import { isTransient } from './catalogue-errors.ts';
import { consumerSpan } from './consumer-span.ts';
import { AppError, errorMessage, serializeError } from './errors.ts';
import { logger } from './logger.ts';
import { flushSpans, withSpan } from './tracing.ts';

type AnswerTooLarge = (
  text: string,
  headers: readonly Header[],
  error: AppError,
) => Promise<boolean>;

interface KafkaHandlerOptions<Event> {
  /** Topic for records that cannot be handled. */
  deadLetterTopic: string;
  /** A record that was not handled within this number of deliveries becomes a dead letter. */
  maxDeliveries: number;
  /** Parses the value and the headers. A record for which it throws becomes a dead letter. */
  read: (text: string, headers: readonly Header[]) => Event;
  /** Answers a request that is too large, and returns whether it could. Otherwise the record becomes a dead letter. */
  answerTooLarge?: AnswerTooLarge;
  /** Handles the event. Throws if that failed. */
  handle: (event: Event, record: IncomingRecord, context: Context) => Promise<void>;
  /** Whether every error of `handle` causes another delivery, not only errors of a database. */
  retriesAllErrors: boolean;
}

/**
 * Returns a Kafka function with everything that all of them share. If it throws, Lambda delivers the batch again, without
 * limit, and the records after it wait. So it throws only if another delivery may succeed; after `maxDeliveries` the
 * record is sent to the dead letter topic unchanged. Deliveries that fail because the catalogue is down do not count.
 */
export function kafkaHandler<Event>(options: KafkaHandlerOptions<Event>) {
  return middy<MSKEvent, undefined>()
    .use({
      onError: ({ error, event, context }) => {
        logger.error('batch failed, it will be delivered again', {
          function: context.functionName,
          eventIds: recordsOf(event).slice(0, maxNamed).map(eventIdOf),
          error: serializeError(error),
        });
      },
    })
    .handler(async (event, context) => {
      try {
        for (const record of recordsOf(event))
          await withSpan(`process ${record.topic}`, consumerSpan([record]), () =>
            handleRecord(record, options, context),
          );
      } finally {
        await flushSpans();
      }
      return undefined;
    });
}

async function handleRecord<Event>(
  record: IncomingRecord,
  options: KafkaHandlerOptions<Event>,
  context: Context,
): Promise<void> {
  const deliveries = await countDelivery(record);
  const failure =
    deliveries > options.maxDeliveries
      ? `It was delivered ${deliveries - 1} times and never handled.`
      : await failureOf(record, options, context);
  if (failure === undefined) return forgetDeliveries(record);
  await transaction(async (client) => {
    await sendToDeadLetters(record, options.deadLetterTopic, failure, client);
    await forgetDeliveries(record, client);
  });
  await relay();
}

/** Handles a record. Returns why it must become a dead letter, undefined if it is done. Throws to be delivered again. */
async function failureOf<Event>(
  record: IncomingRecord,
  { read, answerTooLarge, handle, retriesAllErrors }: KafkaHandlerOptions<Event>,
  context: Context,
): Promise<string | undefined> {
  const { topic, partition, offset } = record;
  let event: Event;
  try {
    event = read(textOf(record), record.headers);
  } catch (error) {
    if (await isAnswered(record, error, answerTooLarge)) return undefined;
    logger.warn('record sent to the dead letter topic: it cannot be read', {
      topic,
      partition,
      offset,
      reason: errorMessage(error),
    });
    return errorMessage(error);
  }
  try {
    await handle(event, record, context);
    return undefined;
  } catch (error) {
    if ((await excuseIfAway(record)) || isTransient(error) || retriesAllErrors) throw error;
    logger.error('record sent to the dead letter topic: it cannot be handled', {
      topic,
      partition,
      offset,
      eventId: eventIdOf(record),
      error: serializeError(error),
    });
    return errorMessage(error);
  }
}

async function isAnswered(
  { value, headers }: IncomingRecord,
  error: unknown,
  answer: AnswerTooLarge | undefined,
): Promise<boolean> {
  const isTooLarge = error instanceof AppError && error.code === 'too_large';
  if (!isTooLarge || answer === undefined || value === null) return false;
  return value.length <= sizes.answeredBytes && (await answer(value.toString(), headers, error));
}

function textOf({ value }: IncomingRecord): string {
  const bytes = value?.length ?? 0;
  if (bytes > sizes.requestBytes)
    throw new AppError(
      'too_large',
      `The event has ${sizeText(bytes)} bytes; the limit is ${sizeText(sizes.requestBytes)}. Send a smaller one.`,
    );
  return value?.toString() ?? '';
}

/** How many events of a failed batch the log names. */
const maxNamed = 20;
const eventSchema = z.looseObject({ id: z.string().max(255) });

/** Returns the id of a CloudEvent, unchecked, for the log. */
function eventIdOf(record: IncomingRecord): string | undefined {
  try {
    const event: unknown = isBinary(record.headers)
      ? attributesOf(record.headers)
      : JSON.parse(textOf(record));
    return eventSchema.safeParse(event).data?.id;
  } catch {
    return undefined;
  }
}

const recordsOf = (event: MSKEvent): IncomingRecord[] => partitionsOf(event).flat();
