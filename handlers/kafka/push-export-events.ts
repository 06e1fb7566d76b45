import { pushExports } from '../../lib/live/push-exports.ts';
import { kafkaBatchHandler } from '../../lib/runtime/kafka-batch-handler.ts';

/** exports.results */
export const handler = kafkaBatchHandler(pushExports);
