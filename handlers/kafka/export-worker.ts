import { unitDispatchedSchema } from '../../lib/contracts/events.ts';
import { runUnit } from '../../lib/engine/run-unit.ts';
import { topics } from '../../lib/messaging/topics.ts';
import { kafkaHandler } from '../../lib/runtime/kafka-handler.ts';
import { parseJson } from '../../lib/runtime/validation.ts';
import { maxLostAttempts } from '../../lib/scheduling/lost-attempts.ts';

/** exports.work, one message at a time */
export const handler = kafkaHandler({
  deadLetterTopic: topics.workDeadLetters.name,
  // A unit that crashes its workers fails earlier, by `maxLostAttempts`.
  maxDeliveries: maxLostAttempts + 5,
  // The next delivery starts another attempt.
  retriesAllErrors: true,
  read: (text) => parseJson(unitDispatchedSchema, text),
  handle: async ({ data: { unitId, dispatchId } }, { partition, offset }, context) =>
    runUnit({ unitId, dispatchId, partition, offset }, context.getRemainingTimeInMillis()),
});
