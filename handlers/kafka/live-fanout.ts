import { fanOut } from '../../lib/live/fan-out.ts';
import { kafkaBatchHandler } from '../../lib/runtime/kafka-batch-handler.ts';

/** readings, and the topics of pipelines */
export const handler = kafkaBatchHandler(fanOut);
