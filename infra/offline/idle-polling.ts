/**
 * After every response kafkajs 2.2.4 arms a timer to check its request queue, even if the queue is empty. Unless
 * the broker throttles, the delay is then negative: an endless 1 ms poll for each connection, and a
 * TimeoutNegativeWarning on Node 24 (kafkajs #1751, #1768). If requests are queued, the delay is right, so this
 * patch arms the timer only then.
 */
import { createRequire } from 'node:module';
import { z } from 'zod';

const queueClassSchema = z.custom<{ prototype: object }>((value) => typeof value === 'function');
const methodSchema = z.custom<(this: unknown) => void>((value) => typeof value === 'function');

const hasPending = (queue: unknown): boolean =>
  typeof queue === 'object' &&
  queue !== null &&
  'pending' in queue &&
  Array.isArray(queue.pending) &&
  queue.pending.length > 0;

/** Patches kafkajs for the whole process. A second call changes nothing. */
export function stopIdlePolling(): void {
  const require = createRequire(import.meta.url);
  const { prototype } = queueClassSchema.parse(
    require('kafkajs/src/network/requestQueue/index.js'),
  );
  const schedule = methodSchema.parse(Reflect.get(prototype, 'scheduleCheckPendingRequests'));
  Reflect.set(prototype, 'scheduleCheckPendingRequests', function (this: unknown): void {
    if (hasPending(this)) schedule.call(this);
  });
}
