import { acceptExportRequest } from '../../lib/exports/accept.ts';
import { relay } from '../../lib/messaging/outbox.ts';
import { kafkaFunction } from '../../lib/runtime/kafka-function.ts';
import { dispatch } from '../../lib/scheduling/dispatch.ts';

/** exports.requested */
export const handler = kafkaFunction(async (record, context) => {
  await acceptExportRequest(record, context.getRemainingTimeInMillis());
  await dispatch();
  await relay();
});
