import { catalogue, type Queryable } from '../runtime/catalogue.ts';
import type { IncomingRecord } from '../runtime/kafka-function.ts';
import { enqueue } from './outbox.ts';

/**
 * Puts a record aside with its bytes and headers as they were, and why and whence: one bad record never
 * stops a stream. The relay has to follow.
 */
export async function sendToDeadLetters(
  { topic, partition, offset, key, value, headers }: IncomingRecord,
  deadLetterTopic: string,
  reason: string,
  client: Queryable = catalogue(),
): Promise<void> {
  const about = { reason, topic, partition: String(partition), offset: String(offset) };
  await enqueue(client, {
    topic: deadLetterTopic,
    key,
    value,
    headers: [
      ...headers,
      ...Object.entries(about).map(([name, text]) => ({ key: name, value: Buffer.from(text) })),
    ],
  });
}
