import {
  acceptExportRequest,
  readExportRequested,
  rejectTooLarge,
} from '../../lib/exports/events/accept-request-event.ts';
import { relay } from '../../lib/messaging/outbox.ts';
import { topics } from '../../lib/messaging/topics.ts';
import { kafkaHandler } from '../../lib/runtime/kafka-handler.ts';
import { logger } from '../../lib/runtime/logger.ts';
import { dispatch } from '../../lib/scheduling/dispatch.ts';

/** The remaining records of the batch wait for this. */
const relayMs = 300;

/** exports.requested */
export const handler = kafkaHandler({
  deadLetterTopic: topics.requestedDeadLetters.name,
  maxDeliveries: 5,
  retriesAllErrors: false,
  read: readExportRequested,
  answerTooLarge: rejectTooLarge,
  handle: async (event, { topic, partition, offset }, context) => {
    await acceptExportRequest(event, context.getRemainingTimeInMillis());
    logger.info('event request answered', { eventId: event.id, topic, partition, offset });
    await dispatch();
    await relay(relayMs);
  },
});
