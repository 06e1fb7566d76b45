/**
 * kafkajs 2.2.4 arms a timer to look at its queue of requests after every response, though nothing
 * is queued, with a delay that is negative unless the broker throttles: an endless 1 ms poll for
 * each connection, and a TimeoutNegativeWarning on Node 24 (kafkajs #1751, #1768). With something
 * queued the delay is right; so the timer is only armed then.
 */
import { createRequire } from 'node:module';
import { z } from 'zod';

const QueueClass = z.custom<{ prototype: object }>((value) => typeof value === 'function');
const Method = z.custom<(this: unknown) => void>((value) => typeof value === 'function');

const hasPending = (queue: unknown): boolean =>
  typeof queue === 'object' &&
  queue !== null &&
  'pending' in queue &&
  Array.isArray(queue.pending) &&
  queue.pending.length > 0;

/** Changes kafkajs for the whole process; harmless if done twice. */
export const stopIdlePolling = (): void => {
  const require = createRequire(import.meta.url);
  const { prototype } = QueueClass.parse(require('kafkajs/src/network/requestQueue/index.js'));
  const schedule = Method.parse(Reflect.get(prototype, 'scheduleCheckPendingRequests'));
  Reflect.set(prototype, 'scheduleCheckPendingRequests', function (this: unknown): void {
    if (hasPending(this)) schedule.call(this);
  });
};
