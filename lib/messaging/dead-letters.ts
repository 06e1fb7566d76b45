import { catalogue, type Queryable } from '../runtime/catalogue.ts';
import type { MessageParts } from './header.ts';
import { letterOf, type Origin } from './letter.ts';
import { enqueue } from './outbox.ts';

/** Puts a record aside, with why and whence: one bad record never stops a stream. The relay has to follow. */
export async function sendToDeadLetters(
  record: MessageParts & Origin,
  deadLetterTopic: string,
  reason: string,
  client: Queryable = catalogue(),
): Promise<void> {
  const letter = letterOf(record, record, reason);
  await enqueue(client, { topic: deadLetterTopic, ...letter });
}
