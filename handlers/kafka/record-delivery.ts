import { fileDeliveredSchema } from '../../lib/contracts/events.ts';
import { recordDelivery } from '../../lib/delivery/record-delivery.ts';
import { relay } from '../../lib/messaging/outbox.ts';
import { topics } from '../../lib/messaging/topics.ts';
import { kafkaHandler } from '../../lib/runtime/kafka-handler.ts';
import { logger } from '../../lib/runtime/logger.ts';
import { parseJson } from '../../lib/runtime/validation.ts';

/** The remaining records of the batch wait for this. */
const relayMs = 300;

/** deliveries, which NGINX logs and infra/nginx/shipper sends */
export const handler = kafkaHandler({
  deadLetterTopic: topics.deliveriesDeadLetters.name,
  maxDeliveries: 5,
  retriesAllErrors: false,
  read: (text) => parseJson(fileDeliveredSchema, text),
  handle: async (event) => {
    const isDownloaded = await recordDelivery(event);
    logger.info('delivery recorded', {
      eventId: event.id,
      exportId: event.data.exportId,
      bytes: event.data.bytes,
      isDownloaded,
    });
    if (isDownloaded) await relay(relayMs);
  },
});
