import { acceptExportRequest } from '../../lib/exports/accept.ts';
import { relay } from '../../lib/messaging/outbox.ts';
import { eventIdOf, kafkaFunction } from '../../lib/runtime/kafka-function.ts';
import { logger } from '../../lib/runtime/logger.ts';
import { dispatch } from '../../lib/scheduling/dispatch.ts';

/** exports.requested */
export const handler = kafkaFunction(async (record, context) => {
  await acceptExportRequest(record, context.getRemainingTimeInMillis());
  const { topic, partition, offset } = record;
  logger.info('request by event answered', {
    eventId: eventIdOf(record),
    topic,
    partition,
    offset,
  });
  await dispatch();
  await relay();
});
