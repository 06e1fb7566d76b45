import { partitionsOf, type TopicSettings } from '../../lib/messaging/topics.ts';
import { accessOf } from './access.ts';
import type { Deployment } from './deploy-file.ts';
import type { FunctionKind, FunctionOfService } from './service.ts';

/** What Serverless has for these in a function. */
export interface FunctionSettings {
  memorySize?: number;
  reservedConcurrency: number;
  environment: Readonly<Record<string, string>>;
}

/**
 * Connections of a process to the catalogue. On AWS it answers one event at a time, and its connections stay while it is
 * frozen. The others send in the background, or extend a lease, while they hold a transaction.
 */
const connections: Readonly<Record<FunctionKind, number>> = {
  http: 2,
  websocket: 2,
  kafka: 4,
  schedule: 4,
  operations: 4,
};

/**
 * Returns the settings of a function that only a deployment has. On one machine a function is one process; on AWS each
 * concurrent call is one. So the calls of every function are limited, and with them the connections to the catalogue.
 */
export function settingsOf(
  it: FunctionOfService,
  deployment: Deployment,
  pipelineTopics: readonly TopicSettings[],
): FunctionSettings {
  return {
    ...(it.name === 'export-worker' && { memorySize: deployment.workerMemory }),
    reservedConcurrency: concurrencyOf(it, deployment, pipelineTopics),
    environment: { STREAMSYNC_CATALOGUE_CONNECTIONS: String(connections[it.kind]) },
  };
}

function concurrencyOf(
  { name, kind, eventSources }: FunctionOfService,
  { concurrency, sourceConcurrency }: Deployment,
  pipelineTopics: readonly TopicSettings[],
): number {
  switch (kind) {
    // One call for each partition: more could only be a second delivery of what a call is working on.
    case 'kafka':
      return eventSources
        .map(({ topic }) => topicPartitions(topic, pipelineTopics))
        .reduce((sum, partitions) => sum + partitions, 0);
    // EventBridge may start the next one before the last one has ended.
    case 'schedule':
      return 2;
    case 'operations':
      return 1;
    // The catalogue keeps the budget of each source over all calls: more would mostly wait.
    case 'http':
    case 'websocket':
      return accessOf(name).sources ? sourceConcurrency : concurrency;
    default:
      return kind satisfies never;
  }
}

const topicPartitions = (topic: string, pipelineTopics: readonly TopicSettings[]): number =>
  partitionsOf(topic) || (pipelineTopics.find(({ name }) => name === topic)?.partitions ?? 0);
