/**
 * Requests that the public interface of kafkajs does not have: it reads a topic only as a member of a consumer group. Its
 * `Kafka` creates a cluster of connections under a private symbol.
 */

/** A record as kafkajs decodes it. A repeated header has an array. */
export interface FetchedMessage {
  offset: string;
  /** Milliseconds since 1970. */
  timestamp: string;
  key: Buffer | null;
  value: Buffer | null;
  headers: Record<string, unknown>;
  isControlRecord?: boolean;
}

interface FetchedPartition {
  partition: number;
  errorCode: number;
  messages: FetchedMessage[];
}

interface Broker {
  fetch(request: {
    maxWaitTime: number;
    minBytes: number;
    maxBytes: number;
    topics: {
      topic: string;
      partitions: { partition: number; fetchOffset: string; maxBytes: number }[];
    }[];
  }): Promise<{ responses: { topicName: string; partitions: FetchedPartition[] }[] }>;
}

/** The parts of a cluster that are used here. */
export interface Cluster {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  addTargetTopic(topic: string): Promise<void>;
  findTopicPartitionMetadata(topic: string): { partitionId: number; leader: number }[];
  findBroker(broker: { nodeId: number }): Promise<Broker>;
  brokerPool: { seedBroker?: { connectionPool: { send(protocol: object): Promise<unknown> } } };
}

const isCluster = (value: unknown): value is Cluster =>
  typeof value === 'object' &&
  value !== null &&
  'connect' in value &&
  'findBroker' in value &&
  'brokerPool' in value;

/** Returns a cluster of a `Kafka`, which the caller connects. */
export function createCluster(kafka: object): Cluster {
  const symbol = Object.getOwnPropertySymbols(kafka).find(
    ({ description }) => description === 'private:Kafka:createCluster',
  );
  const create: unknown = symbol && Reflect.get(kafka, symbol);
  const cluster: unknown =
    typeof create === 'function' ? create({ allowAutoTopicCreation: false }) : undefined;
  if (!isCluster(cluster)) throw new Error('this version of kafkajs has no such cluster');
  return cluster;
}
