import { fetchTopicId } from '../messaging/kafka.ts';
import type { Queryable } from '../runtime/catalogue.ts';

/** Where ingest is in a partition. All records of lower offsets are done: stored, or dead letters. */
export interface Progress {
  streamId: number;
  epoch: number;
  nextOffset: number;
}

/**
 * Locks the progress of a partition until the end of the transaction and returns it. An offset below it is either a
 * record that Kafka delivers again, or of a topic that was deleted and created again. Only Kafka knows, by the id of the
 * topic: a new one starts a new epoch, from offset 0. Throws if Kafka does not answer.
 */
export async function lockProgress(
  client: Queryable,
  topic: string,
  partition: number,
  firstOffset: number,
): Promise<Progress> {
  const latest = await lockLatest(client, topic, partition);
  if (latest && firstOffset >= latest.nextOffset) return latest;
  const topicId = await fetchTopicId(topic);
  if (latest && (topicId === latest.topicId || topicId === null)) return latest;
  // Its records will be delivered again; without an id they look like those of the next topic of this name.
  if (topicId === null) throw new Error(`the topic ${topic} does not exist`);
  return startEpoch(client, topic, partition, topicId);
}

interface LatestProgress extends Progress {
  topicId: string | null;
}

async function lockLatest(
  client: Queryable,
  topic: string,
  partition: number,
): Promise<LatestProgress | undefined> {
  const { rows } = await client.query<LatestProgress>(
    `select s.stream_id as "streamId", p.epoch, p.next_offset as "nextOffset", s.topic_id as "topicId"
     from public.ingest_progress p join public.ingest_streams s using (topic, epoch)
     where p.topic = $1 and p.partition = $2 order by p.epoch desc limit 1 for update of p`,
    [topic, partition],
  );
  return rows[0];
}

async function startEpoch(
  client: Queryable,
  topic: string,
  partition: number,
  topicId: string,
): Promise<Progress> {
  await addStream(client, topic, topicId);
  await client.query(
    `insert into public.ingest_progress (topic, partition, epoch, next_offset)
     select topic, $2, epoch, 0 from public.ingest_streams where topic = $1 and topic_id = $3
     on conflict do nothing`,
    [topic, partition, topicId],
  );
  const started = await lockLatest(client, topic, partition);
  if (started?.topicId !== topicId)
    throw new Error(`the topic ${topic} has changed again while its epoch started`);
  return started;
}

/** Adds a topic with its next epoch, unless it is known. */
export async function addStream(client: Queryable, topic: string, topicId: string): Promise<void> {
  // Of several callers that see the new topic at once, the first inserts; the others wait for it here.
  await client.query(
    `insert into public.ingest_streams (topic, epoch, topic_id)
     select $1, coalesce(max(epoch), 0) + 1, $2 from public.ingest_streams where topic = $1
     having not coalesce(bool_or(topic_id = $2), false)
     on conflict do nothing`,
    [topic, topicId],
  );
}

export async function advanceProgress(
  client: Queryable,
  topic: string,
  partition: number,
  { epoch, nextOffset }: Pick<Progress, 'epoch' | 'nextOffset'>,
): Promise<void> {
  await client.query(
    `update public.ingest_progress set next_offset = $4, updated_at = clock_timestamp()
     where topic = $1 and partition = $2 and epoch = $3`,
    [topic, partition, epoch, nextOffset],
  );
}
