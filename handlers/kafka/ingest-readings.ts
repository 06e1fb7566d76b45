import { ingestPartition } from '../../lib/ingest/ingest-partition.ts';
import { kafkaBatchHandler } from '../../lib/runtime/kafka-batch-handler.ts';

/** readings, and the topics of pipelines */
export const handler = kafkaBatchHandler(ingestPartition);
