import {
  acceptExportRequest,
  readExportRequested,
  rejectTooLarge,
} from '../../lib/exports/accept.ts';
import { relay } from '../../lib/messaging/outbox.ts';
import { topics } from '../../lib/messaging/topics.ts';
import { kafkaFunction } from '../../lib/runtime/kafka-function.ts';
import { logger } from '../../lib/runtime/logger.ts';
import { dispatch } from '../../lib/scheduling/dispatch.ts';

/** The rest of the batch waits for this. */
const relayMilliseconds = 300;

/** exports.requested */
export const handler = kafkaFunction({
  deadLetterTopic: topics.requestedDeadLetters.name,
  mostDeliveries: 5,
  triesAgain: false,
  read: readExportRequested,
  answerTooLarge: rejectTooLarge,
  handle: async (event, { topic, partition, offset }, context) => {
    await acceptExportRequest(event, context.getRemainingTimeInMillis());
    logger.info('request by event answered', { eventId: event.id, topic, partition, offset });
    await dispatch();
    await relay(relayMilliseconds);
  },
});
