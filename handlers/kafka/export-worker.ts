import { unitDispatchedSchema } from '../../lib/contracts/events.ts';
import { work } from '../../lib/engine/work.ts';
import { topics } from '../../lib/messaging/topics.ts';
import { kafkaFunction } from '../../lib/runtime/kafka-function.ts';
import { parseJson } from '../../lib/runtime/validation.ts';
import { mostLostAttempts } from '../../lib/scheduling/lost.ts';

/** exports.work, one message at a time */
export const handler = kafkaFunction({
  deadLetterTopic: topics.workDeadLetters.name,
  // A unit that ends its workers fails before, by the rule of its attempts.
  mostDeliveries: mostLostAttempts + 5,
  // The next delivery takes the unit over.
  triesAgain: true,
  read: (text) => parseJson(unitDispatchedSchema, text),
  handle: async ({ data: { unitId, dispatchId } }, { partition, offset }, context) =>
    work({ unitId, dispatchId, partition, offset }, context.getRemainingTimeInMillis()),
});
