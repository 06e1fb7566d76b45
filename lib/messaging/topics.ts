/** Every topic of StreamSync. `exports.work` has as many partitions as exports may run at once. */
export const topics = {
  requested: { name: 'exports.requested', partitions: 2 },
  results: { name: 'exports.results', partitions: 2 },
  work: { name: 'exports.work', partitions: 4 },
  requestedDeadLetters: { name: 'exports.requested.dlq', partitions: 1 },
  workDeadLetters: { name: 'exports.work.dlq', partitions: 1 },
  readings: { name: 'readings', partitions: 4 },
  readingsDeadLetters: { name: 'readings.dlq', partitions: 1 },
} as const;

/** Returns how many partitions a topic of ours has, 0 for any other. */
export const partitionsOf = (topic: string): number =>
  Object.values(topics).find(({ name }) => name === topic)?.partitions ?? 0;
