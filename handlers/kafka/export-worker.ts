import { unitDispatchedSchema } from '../../lib/contracts/events.ts';
import { work } from '../../lib/engine/work.ts';
import { sendToDeadLetters } from '../../lib/messaging/dead-letters.ts';
import { topics } from '../../lib/messaging/topics.ts';
import { Refusal } from '../../lib/runtime/errors.ts';
import { kafkaFunction } from '../../lib/runtime/kafka-function.ts';
import { parseJson } from '../../lib/runtime/validation.ts';

/** exports.work, one message at a time */
export const handler = kafkaFunction(async (record, context) => {
  const { partition, offset, value } = record;
  let event: ReturnType<typeof unitDispatchedSchema.parse>;
  try {
    event = parseJson(unitDispatchedSchema, value?.toString() ?? '');
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    await sendToDeadLetters(record, topics.workDeadLetters.name, error.message);
    return;
  }
  const { unitId, dispatchId } = event.data;
  await work({ unitId, dispatchId, partition, offset }, context.getRemainingTimeInMillis());
});
