import { type Cluster, createCluster, type FetchedMessage } from './kafkajs-cluster.ts';
import type { Header, MessageParts } from './message-headers.ts';

/** A record of a topic, read outside of a consumer group. */
export interface TopicRecord extends MessageParts {
  offset: number;
  at: Date;
}

/** Reads records of topics without a consumer group, which would take seconds to join and stay on the brokers. */
export interface TopicReader {
  /**
   * Returns the records of a partition from an offset on, in their order, at most those before offset `to`. Records after
   * about `maxBytes` are left out, but never all of them. Throws if the brokers do not answer.
   */
  read(
    place: { topic: string; partition: number },
    range: { from: number; to: number; maxBytes: number },
  ): Promise<TopicRecord[]>;
}

/** Calls `work` with a reader, and closes its connections. */
export async function withTopicReader<T>(
  kafka: object,
  work: (reader: TopicReader) => Promise<T>,
): Promise<T> {
  const cluster = createCluster(kafka);
  try {
    await cluster.connect();
    return await work({
      read: (place, { from, to, maxBytes }) => readRange(cluster, place, { from, to, maxBytes }),
    });
  } finally {
    await cluster.disconnect();
  }
}

/** How long a broker may wait for records. They are below the end of the partition, so it has them. */
const maxWaitMs = 500;

async function readRange(
  cluster: Cluster,
  { topic, partition }: { topic: string; partition: number },
  { from, to, maxBytes }: { from: number; to: number; maxBytes: number },
): Promise<TopicRecord[]> {
  await cluster.addTargetTopic(topic);
  const leader = cluster
    .findTopicPartitionMetadata(topic)
    .find(({ partitionId }) => partitionId === partition)?.leader;
  if (leader === undefined) return [];
  const broker = await cluster.findBroker({ nodeId: leader });
  const records: TopicRecord[] = [];
  let bytes = 0;
  let next = from;
  while (next < to && bytes < maxBytes) {
    const left = maxBytes - bytes;
    const { responses } = await broker.fetch({
      maxWaitTime: maxWaitMs,
      minBytes: 1,
      maxBytes: left,
      topics: [{ topic, partitions: [{ partition, fetchOffset: String(next), maxBytes: left }] }],
    });
    const fetched = responses.flatMap(({ partitions }) => partitions).at(0);
    if (fetched === undefined) throw new Error(`Kafka did not read ${topic}`);
    // The records from `next` on were deleted meanwhile: the caller asks again.
    if (fetched.errorCode === offsetOutOfRange) return records;
    if (fetched.errorCode !== 0)
      throw new Error(`Kafka did not read ${topic}: error ${fetched.errorCode}`);
    const last = fetched.messages.at(-1);
    if (last === undefined) return records;
    for (const message of fetched.messages) {
      const offset = Number(message.offset);
      // A batch is sent as a whole, also if it begins before the requested offset.
      if (offset < next || offset >= to || message.isControlRecord === true) continue;
      const record = toRecord(message);
      records.push(record);
      bytes += record.value?.length ?? 0;
    }
    next = Number(last.offset) + 1;
  }
  return records;
}

/** The error code of Kafka. */
const offsetOutOfRange = 1;

function toRecord({ offset, timestamp, key, value, headers }: FetchedMessage): TopicRecord {
  return {
    offset: Number(offset),
    at: new Date(Number(timestamp)),
    key,
    value,
    headers: Object.entries(headers).flatMap(([name, all]) => headersOf(name, all)),
  };
}

const headersOf = (name: string, all: unknown): Header[] =>
  (Array.isArray(all) ? all : [all]).flatMap((value: unknown) =>
    Buffer.isBuffer(value) ? { key: name, value } : [],
  );
