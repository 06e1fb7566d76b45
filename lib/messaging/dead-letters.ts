import { catalogue, type Queryable } from '../runtime/catalogue.ts';
import { letterOf, type Origin } from './dead-letter.ts';
import type { MessageParts } from './message-headers.ts';
import { enqueue } from './outbox.ts';

/**
 * Enqueues a record for the dead letter topic, with headers for the reason and its origin, so that one bad record
 * never stops a stream. The caller has to relay the outbox afterwards.
 */
export async function sendToDeadLetters(
  record: MessageParts & Origin,
  deadLetterTopic: string,
  reason: string,
  client: Queryable = catalogue(),
): Promise<void> {
  const letter = letterOf(record, record, reason);
  await enqueue(client, { topic: deadLetterTopic, ...letter });
}
