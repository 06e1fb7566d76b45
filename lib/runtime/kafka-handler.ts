import middy from '@middy/core';
import type { Context, MSKEvent } from 'aws-lambda';
import { z } from 'zod';
import { sizes } from '../contracts/sizes.ts';
import { attributesOf, isBinary } from '../messaging/binary-event.ts';
import { sendToDeadLetters } from '../messaging/dead-letters.ts';
import { countDelivery, excuseIfAway, forgetDeliveries } from '../messaging/deliveries.ts';
import type { Header, MessageParts } from '../messaging/header.ts';
import type { Origin } from '../messaging/letter.ts';
import { relay } from '../messaging/outbox.ts';
import { transaction } from './catalogue.ts';
import { mayPass } from './catalogue-errors.ts';
import { forLog, messageOf, Refusal } from './errors.ts';
import { logger } from './logger.ts';

/** One record of a batch, decoded from the base64 of the event. */
export interface IncomingRecord extends MessageParts, Origin {}

type AnswerTooLarge = (
  text: string,
  headers: readonly Header[],
  refusal: Refusal,
) => Promise<boolean>;

interface Handling<Event> {
  /** Where records go that cannot be handled. */
  deadLetterTopic: string;
  /** A record that was delivered so often, and is not through, becomes a dead letter. */
  mostDeliveries: number;
  /** Reads the value, with the headers beside it. Whatever it throws makes a dead letter. */
  read: (text: string, headers: readonly Header[]) => Event;
  /** Answers a value that is larger than a request may be; returns whether it could. Else it is a dead letter. */
  answerTooLarge?: AnswerTooLarge;
  /** Throws if it could not be handled. */
  handle: (event: Event, record: IncomingRecord, context: Context) => Promise<void>;
  /** Whether another delivery may mend whatever `handle` throws, not only what a database does. */
  triesAgain: boolean;
}

/**
 * The one stack of every Kafka function. A thrown error makes Lambda deliver the batch again, for ever, and
 * holds up all behind it. So it is thrown only where another delivery can mend it, and no record is
 * delivered more than so many times: then it is put aside with its bytes. The catalogue being away is no
 * record's fault, and does not count.
 */
export function kafkaFunction<Event>(handling: Handling<Event>) {
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
      for (const record of recordsOf(event)) await handleRecord(record, handling, context);
      return undefined;
    });
}

async function handleRecord<Event>(
  record: IncomingRecord,
  handling: Handling<Event>,
  context: Context,
): Promise<void> {
  const times = await countDelivery(record);
  const failure =
    times > handling.mostDeliveries
      ? `It was delivered ${times - 1} times and never got through.`
      : await failureOf(record, handling, context);
  if (failure === undefined) return forgetDeliveries(record);
  await transaction(async (client) => {
    await sendToDeadLetters(record, handling.deadLetterTopic, failure, client);
    await forgetDeliveries(record, client);
  });
  await relay();
}

/** Handles a record. Returns why it has to be put aside, undefined if it is done; throws if it is to come again. */
async function failureOf<Event>(
  record: IncomingRecord,
  { read, answerTooLarge, handle, triesAgain }: Handling<Event>,
  context: Context,
): Promise<string | undefined> {
  const { topic, partition, offset } = record;
  let event: Event;
  try {
    event = read(textOf(record), record.headers);
  } catch (error) {
    if (await isAnswered(record, error, answerTooLarge)) return undefined;
    logger.warn('record put aside, it cannot be read', {
      topic,
      partition,
      offset,
      reason: messageOf(error),
    });
    return messageOf(error);
  }
  try {
    await handle(event, record, context);
    return undefined;
  } catch (error) {
    if ((await excuseIfAway(record)) || mayPass(error) || triesAgain) throw error;
    logger.error('record put aside, it cannot be handled', {
      topic,
      partition,
      offset,
      eventId: eventIdOf(record),
      error: forLog(error),
    });
    return messageOf(error);
  }
}

async function isAnswered(
  { value, headers }: IncomingRecord,
  error: unknown,
  answer: AnswerTooLarge | undefined,
): Promise<boolean> {
  const isTooLarge = error instanceof Refusal && error.code === 'too_large';
  if (!isTooLarge || answer === undefined || value === null) return false;
  return value.length <= sizes.answeredBytes && (await answer(value.toString(), headers, error));
}

function textOf({ value }: IncomingRecord): string {
  const bytes = value?.length ?? 0;
  if (bytes > sizes.requestBytes)
    throw new Refusal(
      'too_large',
      `The event has ${bytes} bytes; it may have ${sizes.requestBytes}.`,
    );
  return value?.toString() ?? '';
}

/** How many events of a failed batch the log names. */
const mostNamed = 20;
const eventSchema = z.looseObject({ id: z.string().max(255) });

/** The id of a record that is a CloudEvent, for the log: nothing has checked it yet. */
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
