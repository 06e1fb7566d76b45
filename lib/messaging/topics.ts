export interface TopicSettings {
  name: string;
  partitions: number;
}

/** Every topic of StreamSync but those of pipelines. `exports.work` has one partition for each unit that may run at once. */
export const topics = {
  requested: { name: 'exports.requested', partitions: 2 },
  results: { name: 'exports.results', partitions: 2 },
  work: { name: 'exports.work', partitions: 4 },
  requestedDeadLetters: { name: 'exports.requested.dlq', partitions: 1 },
  workDeadLetters: { name: 'exports.work.dlq', partitions: 1 },
  readings: { name: 'readings', partitions: 4 },
  deliveries: { name: 'deliveries', partitions: 1 },
  deliveriesDeadLetters: { name: 'deliveries.dlq', partitions: 1 },
  readingsDeadLetters: { name: 'readings.dlq', partitions: 1 },
} as const;

/** Returns how many partitions a topic of StreamSync has, 0 for any other. */
export const partitionsOf = (topic: string): number =>
  Object.values(topics).find(({ name }) => name === topic)?.partitions ?? 0;

/** Returns the topic for records of a topic that cannot be handled. */
export const deadLetterTopicOf = (topic: string): string => `${topic}.dlq`;

/**
 * Returns the consumer group of a function for a topic: `streamsync-ingest-readings`, with the topic of a pipeline
 * `streamsync-ingest-readings-telegraf`.
 */
export const groupIdOf = (functionName: string, topic: string): string =>
  Object.values(topics).some(({ name }) => name === topic)
    ? `streamsync-${functionName}`
    : `streamsync-${functionName}-${topic}`;
