import { addStream } from '../ingest/progress.ts';
import { writer } from '../ingest/writer.ts';
import { fetchTopicId } from '../messaging/kafka.ts';

/** By topic, as this process knows them. */
const epochs = new Map<string, number>();

/**
 * Returns the epoch of a topic, which ingest counts as well. A topic that was created again while this process knew
 * another one is noticed only by its offsets: then `forgetEpoch` makes the next call ask Kafka. Throws if Kafka or the
 * store does not answer.
 */
export async function epochOf(topic: string): Promise<number> {
  const known = epochs.get(topic);
  if (known !== undefined) return known;
  const topicId = await fetchTopicId(topic);
  if (topicId === null) throw new Error(`the topic ${topic} does not exist`);
  const find = async (): Promise<number | undefined> => {
    const { rows } = await writer().query<{ epoch: number }>(
      'select epoch from public.ingest_streams where topic = $1 and topic_id = $2',
      [topic, topicId],
    );
    return rows[0]?.epoch;
  };
  let epoch = await find();
  if (epoch === undefined) {
    await addStream(writer(), topic, topicId);
    epoch = await find();
  }
  if (epoch === undefined) throw new Error(`the topic ${topic} has no epoch yet`);
  epochs.set(topic, epoch);
  return epoch;
}

export const forgetEpoch = (topic: string): void => {
  epochs.delete(topic);
};
