import { shortEvent } from '../contracts/short-event.ts';
import { advisoryLocks, type Queryable, transaction } from '../runtime/catalogue.ts';
import { errorMessage } from '../runtime/errors.ts';
import { logger } from '../runtime/logger.ts';
import { shortLetter } from './dead-letter.ts';
import { MessageRejectedError, type ProducerName, send } from './kafka.ts';
import { type MessageParts, readHeaders } from './message-headers.ts';
import { topics } from './topics.ts';

/**
 * The messages of the outbox for one partition (-1: the client chooses it by the key). Lanes are independent: a
 * message that Kafka rejects delays only its own lane.
 */
export interface Lane {
  producerName: ProducerName;
  topic: string;
  partition: number;
  /** Maximum messages of the next batch. It is halved after Kafka rejected a batch, to find the message that caused it. */
  batchSize: number;
}

/**
 * Maximum bytes of a batch, and so of a relay's memory, unless a single message is larger. A broker accepts
 * 1,048,588 bytes by default; the rest is for what Kafka adds to each message.
 */
const batchBytes = 900_000;
/** Maximum messages of a batch. */
export const maxMessages = 500;

interface Row extends MessageParts {
  id: number;
}

/**
 * Sends the oldest messages of a lane. Returns whether there may be more, or 'busy' if another relay holds the
 * lane. Throws if Kafka does not accept the messages now; they stay in the outbox.
 *
 * The lane is locked from reading the messages to marking them as sent, so that a partition has them in the order
 * of their ids. Acknowledged messages are marked at once, whatever happens to other lanes.
 */
export async function relayBatch(lane: Lane): Promise<'more' | 'empty' | 'busy'> {
  return transaction(async (client) => {
    if (!(await lock(client, lane))) return 'busy';
    const rows = await findOldest(client, lane);
    const [first] = rows;
    if (first === undefined) return 'empty';
    try {
      await sendTo(lane, rows);
    } catch (error) {
      if (!(error instanceof MessageRejectedError)) throw error;
      if (rows.length === 1) await skipRejected(client, lane, first, error);
      lane.batchSize = Math.max(1, Math.floor(rows.length / 2));
      return 'more';
    }
    await client.query(
      'update outbox set sent_at = clock_timestamp() where id = any($1::bigint[])',
      [rows.map(({ id }) => id)],
    );
    lane.batchSize = Math.min(maxMessages, lane.batchSize * 2);
    return 'more';
  });
}

const sendTo = ({ producerName, topic, partition }: Lane, messages: readonly MessageParts[]) =>
  send(producerName, topic, partition === -1 ? null : partition, messages);

/** Locks the lane, and a lock that all relays share: taking that one exclusively stops them. */
async function lock(client: Queryable, { topic, partition }: Lane): Promise<boolean> {
  const { rows } = await client.query<{ locked: boolean }>(
    `select pg_try_advisory_xact_lock_shared($1)
       and pg_try_advisory_xact_lock($2, hashtext($3)) as locked`,
    [advisoryLocks.relay, advisoryLocks.relay, `${topic}-${partition}`],
  );
  return rows[0]?.locked === true;
}

/**
 * Returns the oldest messages that fit into a batch, at least one. Large values are stored outside their rows, so
 * the values of messages that are only counted are not read. A watermark would miss messages, because a
 * transaction with a lower id may commit later; SKIP LOCKED would break the order.
 */
async function findOldest(
  client: Queryable,
  { topic, partition, batchSize }: Lane,
): Promise<Row[]> {
  const { rows } = await client.query<{
    id: number;
    key: Buffer | null;
    value: Buffer | null;
    headers: unknown;
  }>(
    `select id, key, value, headers from (
       select head.*, sum(bytes + 100) over (order by id) as total from (
         select id, key, value, headers, bytes from outbox
         where topic = $1 and coalesce(partition, -1) = $2 and sent_at is null and failed_at is null
         order by id limit $3) head) counted
     where total <= $4 or total = bytes + 100 order by id`,
    [topic, partition, batchSize, batchBytes],
  );
  return rows.map(({ headers, ...rest }) => ({ ...rest, headers: readHeaders(headers) }));
}

/**
 * Marks a message that Kafka will always reject as failed. If it has a short form, that is sent in its place, so
 * that consumers still get the event in the order of the partition.
 */
async function skipRejected(
  client: Queryable,
  lane: Lane,
  row: Row,
  error: MessageRejectedError,
): Promise<void> {
  const substitute = shortForm(lane.topic, row);
  const replaced = substitute !== undefined && (await isAccepted(lane, substitute));
  const failure = `${errorMessage(error)} (${row.value?.length ?? 0} bytes); ${replaced ? 'a short form was sent in its place' : 'nothing was sent in its place'}`;
  await client.query(
    'update outbox set failed_at = clock_timestamp(), failure = $2 where id = $1',
    [row.id, failure],
  );
  logger.error('relay: message rejected by Kafka, skipped', {
    outboxId: row.id,
    topic: lane.topic,
    failure,
  });
}

async function isAccepted(lane: Lane, message: MessageParts): Promise<boolean> {
  try {
    await sendTo(lane, [message]);
    return true;
  } catch (error) {
    if (error instanceof MessageRejectedError) return false;
    throw error;
  }
}

function shortForm(topic: string, message: MessageParts): MessageParts | undefined {
  if (topic === topics.work.name) return undefined;
  if (topic !== topics.results.name) return shortLetter(message);
  const value = shortEvent(message.value?.toString() ?? '');
  return value === undefined ? undefined : { ...message, value: Buffer.from(value) };
}
