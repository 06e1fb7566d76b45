import { z } from 'zod';
import { recordRequest } from '../audit/record-audit.ts';
import type { DeadLetter, DeadLetters, DeadLettersQuery } from '../contracts/admin.ts';
import { fetchTopicId, kafkaAdmin, readTopics } from '../messaging/kafka.ts';
import { readLetter } from '../messaging/original-record.ts';
import { enqueue } from '../messaging/outbox.ts';
import type { TopicReader, TopicRecord } from '../messaging/read-topic.ts';
import { deadLetterTopicOf } from '../messaging/topics.ts';
import { catalogue, type Queryable, transaction } from '../runtime/catalogue.ts';
import { AppError, serializeError } from '../runtime/errors.ts';
import { logger } from '../runtime/logger.ts';
import { cursorOf, readCursor } from './cursor.ts';

const suffix = deadLetterTopicOf('');
/** A page ends with the letter that reaches this size. Base64 makes it a third larger. */
const pageBytes = 2_000_000;
/** Records that are read at a time. A letter has at most about 300 kB. */
const windowRecords = 20;
const windowBytes = 8_000_000;

/** A partition of a dead letter topic. */
interface Place {
  topic: string;
  topicId: string;
  partition: number;
  /** The first offset that it still has. */
  low: number;
  /** Letters of this offset and after it have been listed. */
  before: number;
}

/** The place in each partition up to which the letters have been listed. */
const positionSchema = z.array(
  z.tuple([z.string(), z.string(), z.int().nonnegative(), z.int().nonnegative()]),
);

/** Returns a page of the dead letters that were not discarded, newest first. Throws `not_found` for another topic. */
export async function listDeadLetters({
  topic,
  cursor,
  limit,
}: DeadLettersQuery): Promise<DeadLetters> {
  const position = cursor === undefined ? [] : readCursor(positionSchema, cursor);
  return fromKafka(async () => {
    const places = (await placesOf(topic)).map((place) => ({
      ...place,
      before: Math.min(
        place.before,
        position.find(
          ([of, id, partition]) =>
            of === place.topic && id === place.topicId && partition === place.partition,
        )?.[3] ?? place.before,
      ),
    }));
    return readTopics(async (reader) => {
      const newest = places.map((place) => new NewestFirst(reader, place));
      const items: DeadLetter[] = [];
      let bytes = 0;
      while (items.length < limit && bytes < pageBytes) {
        const next = await newestOf(newest);
        if (!next) break;
        const letter = next.take();
        items.push(letter);
        bytes += (letter.value?.length ?? 0) + (letter.key?.length ?? 0);
      }
      const more = (await newestOf(newest)) !== undefined;
      return { items, nextCursor: more ? cursorOf(newest.map((it) => it.position())) : null };
    });
  });
}

async function newestOf(all: readonly NewestFirst[]): Promise<NewestFirst | undefined> {
  let newest: { of: NewestFirst; at: string } | undefined;
  for (const of of all) {
    const letter = await of.peek();
    if (letter && (!newest || letter.at > newest.at)) newest = { of, at: letter.at };
  }
  return newest?.of;
}

/** The letters of a partition, newest first, read in windows. */
class NewestFirst {
  readonly #reader: TopicReader;
  readonly #place: Place;
  /** Newest last. */
  #window: DeadLetter[] = [];
  /** Letters of this offset and after it are read. */
  #readTo: number;

  constructor(reader: TopicReader, place: Place) {
    this.#reader = reader;
    this.#place = place;
    this.#readTo = place.before;
  }

  async peek(): Promise<DeadLetter | undefined> {
    while (this.#window.length === 0 && this.#readTo > this.#place.low) await this.#readWindow();
    return this.#window.at(-1);
  }

  take(): DeadLetter {
    const letter = this.#window.pop();
    if (!letter) throw new Error('there is no letter to take');
    this.#place.before = letter.offset;
    return letter;
  }

  /** Returns the part of a cursor. */
  position(): [string, string, number, number] {
    const { topic, topicId, partition, before } = this.#place;
    return [topic, topicId, partition, before];
  }

  async #readWindow(): Promise<void> {
    const to = this.#readTo;
    const from = Math.max(this.#place.low, to - windowRecords);
    const records = await this.#reader.read(this.#place, { from, to, maxBytes: windowBytes });
    const known = await dispositionsOf(this.#place, from, to);
    this.#window = records.flatMap((record) => {
      const disposition = known.get(record.offset);
      if (disposition?.disposition === 'discarded') return [];
      return toDocument(this.#place, record, disposition?.at ?? null);
    });
    this.#readTo = from;
  }
}

const base64 = (bytes: Buffer | null): string | null => bytes?.toString('base64') ?? null;

function toDocument(
  { topic, partition }: { topic: string; partition: number },
  letter: TopicRecord,
  replayedAt: Date | null,
): DeadLetter {
  const { record, reason, origin, cut } = readLetter(letter);
  return {
    topic,
    partition,
    offset: letter.offset,
    at: letter.at.toISOString(),
    reason,
    origin: origin && { topic: origin.topic, partition: origin.partition, offset: origin.offset },
    key: base64(record.key),
    value: base64(record.value),
    headers: record.headers.map(({ key: name, value }) => ({ name, value: base64(value) })),
    cut,
    replayedAt: replayedAt?.toISOString() ?? null,
  };
}

/** Returns the partitions of a dead letter topic, or of all. Throws `not_found` for another topic. */
async function placesOf(topic: string | undefined): Promise<Place[]> {
  return kafkaAdmin(async (admin) => {
    const all = (await admin.listTopics()).filter((name) => name.endsWith(suffix)).toSorted();
    if (topic !== undefined && !all.includes(topic)) throw noTopic(topic);
    const places = await Promise.all(
      (topic === undefined ? all : [topic]).map(async (name): Promise<Place[]> => {
        const [topicId, offsets] = await Promise.all([
          fetchTopicId(name),
          admin.fetchTopicOffsets(name),
        ]);
        // It was deleted since it was listed.
        if (topicId === null) return [];
        return offsets.map(({ partition, low, high }) => ({
          topic: name,
          topicId,
          partition,
          low: Number(low),
          before: Number(high),
        }));
      }),
    );
    return places.flat();
  }, 0);
}

const noTopic = (topic: string): AppError =>
  new AppError('not_found', `There is no dead letter topic ${topic}.`);

interface Disposition {
  disposition: 'replayed' | 'discarded';
  at: Date;
}

async function dispositionsOf(
  { topic, topicId, partition }: Place,
  from: number,
  to: number,
): Promise<Map<number, Disposition>> {
  const { rows } = await catalogue().query<Disposition & { offset: number }>(
    `select "offset", disposition, at from dead_letter_dispositions
     where topic = $1 and topic_id = $2 and partition = $3 and "offset" >= $4 and "offset" < $5`,
    [topic, topicId, partition, from, to],
  );
  return new Map(rows.map((row) => [row.offset, row]));
}

/** The path parameters of a dead letter. */
interface LetterPath {
  topic: string;
  partition: string;
  offset: string;
}

/**
 * Enqueues the record of a dead letter for its topic again: its bytes, key and headers. Throws `not_found`, and
 * `conflict` if it was replayed or discarded before, or if the letter has not the whole record.
 */
export async function replayDeadLetter(account: { id: string }, path: LetterPath): Promise<void> {
  const { place, letter } = await findLetter(path);
  const { record, cut } = readLetter(letter);
  if (cut)
    throw new AppError(
      'conflict',
      'The record was larger than a dead letter may be: the letter has only its beginning, so it cannot be replayed.',
    );
  // Not the topic that the letter names: a program that may write dead letters could name any.
  const topic = place.topic.slice(0, -suffix.length);
  await transaction(async (client) => {
    await recordDisposition(client, account, place, letter.offset, 'replayed');
    await enqueue(client, { topic, ...record });
    await recordRequest(client, { details: { replayedTo: topic } });
  });
}

/** Records that a dead letter is discarded. Throws `not_found`, and `conflict` if it was replayed or discarded before. */
export async function discardDeadLetter(account: { id: string }, path: LetterPath): Promise<void> {
  const { place, letter } = await findLetter(path);
  await transaction(async (client) => {
    await recordDisposition(client, account, place, letter.offset, 'discarded');
    await recordRequest(client);
  });
}

/** A replayed letter can still be discarded: then it is no longer listed. */
async function recordDisposition(
  client: Queryable,
  account: { id: string },
  { topic, topicId, partition }: Place,
  offset: number,
  disposition: Disposition['disposition'],
): Promise<void> {
  const { rowCount } = await client.query(
    `insert into dead_letter_dispositions as d (topic, topic_id, partition, "offset", disposition, account_id)
     values ($1, $2, $3, $4, $5, $6)
     on conflict (topic, topic_id, partition, "offset") do update
       set disposition = excluded.disposition, account_id = excluded.account_id, at = now()
       where d.disposition = 'replayed' and excluded.disposition = 'discarded'`,
    [topic, topicId, partition, offset, disposition, account.id],
  );
  if (rowCount === 1) return;
  throw new AppError(
    'conflict',
    disposition === 'discarded'
      ? 'The dead letter was discarded before.'
      : 'The dead letter was replayed or discarded before. It is replayed only once.',
  );
}

async function findLetter(path: LetterPath): Promise<{ place: Place; letter: TopicRecord }> {
  const { topic, partition, offset } = path;
  const missing = new AppError('not_found', `${topic} has no dead letter with this offset.`);
  if (!/^\d{1,9}$/.test(partition) || !/^\d{1,15}$/.test(offset)) throw missing;
  const from = Number(offset);
  return fromKafka(async () => {
    const place = (await placesOf(topic)).find((it) => it.partition === Number(partition));
    if (!place || from < place.low || from >= place.before) throw missing;
    const [letter] = await readTopics((reader) =>
      reader.read(place, { from, to: from + 1, maxBytes: windowBytes }),
    );
    if (!letter) throw missing;
    return { place, letter };
  });
}

/** Throws `unavailable` for the errors of Kafka. */
async function fromKafka<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    logger.warn('dead letters not read', { error: serializeError(cause) });
    throw new AppError('unavailable', 'Kafka does not answer. Try again in a few seconds.', {
      cause,
    });
  }
}
