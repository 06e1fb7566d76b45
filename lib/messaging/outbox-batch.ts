import { shortEvent } from '../contracts/short-event.ts';
import { locks, type Queryable, transaction } from '../runtime/catalogue.ts';
import { messageOf } from '../runtime/errors.ts';
import { logger } from '../runtime/logger.ts';
import { type MessageParts, readHeaders } from './header.ts';
import { type Line, NotTaken, send } from './kafka.ts';
import { shortLetter } from './letter.ts';
import { topics } from './topics.ts';

/**
 * What of the outbox goes to one partition (-1: to those that the client chooses by the key). Each goes
 * on by itself: one that Kafka does not take holds up no other.
 */
export interface Lane {
  line: Line;
  topic: string;
  partition: number;
  /** Messages that the next batch may have: fewer after a refusal, to find the one that it is about. */
  most: number;
}

/**
 * Bytes of a batch, which is also what a relay has in memory, unless a single message is larger. A broker
 * takes 1,048,588 unless it is told otherwise; the rest is for what Kafka adds to a message.
 */
const batchBytes = 900_000;
/** Messages of a batch. */
export const mostMessages = 500;

interface Row extends MessageParts {
  id: number;
}

/**
 * Sends the oldest messages of a lane. Returns whether there may be more, or 'busy' if another relay is
 * at it. Throws if Kafka does not take them now; they stay.
 *
 * The lock is held from the look to the mark, so that the order of a partition is that of the ids. What
 * the broker has acknowledged is marked at once, whatever becomes of other lanes.
 */
export async function relayBatch(lane: Lane): Promise<'more' | 'empty' | 'busy'> {
  return transaction(async (client) => {
    if (!(await lock(client, lane))) return 'busy';
    const rows = await oldest(client, lane);
    const [first] = rows;
    if (first === undefined) return 'empty';
    try {
      await sendTo(lane, rows);
    } catch (error) {
      if (!(error instanceof NotTaken)) throw error;
      if (rows.length === 1) await putAside(client, lane, first, error);
      lane.most = Math.max(1, Math.floor(rows.length / 2));
      return 'more';
    }
    await client.query(
      'update outbox set sent_at = clock_timestamp() where id = any($1::bigint[])',
      [rows.map(({ id }) => id)],
    );
    lane.most = Math.min(mostMessages, lane.most * 2);
    return 'more';
  });
}

const sendTo = ({ line, topic, partition }: Lane, messages: readonly MessageParts[]) =>
  send(line, topic, partition === -1 ? null : partition, messages);

/** The one lock is shared by all relays, for whoever wants to stop them; the other is the lane's own. */
async function lock(client: Queryable, { topic, partition }: Lane): Promise<boolean> {
  const { rows } = await client.query<{ locked: boolean }>(
    `select pg_try_advisory_xact_lock_shared($1)
       and pg_try_advisory_xact_lock($2, hashtext($3)) as locked`,
    [locks.relay, locks.relay, `${topic}-${partition}`],
  );
  return rows[0]?.locked === true;
}

/**
 * The oldest messages that make a batch, one at least. Values lie outside their rows: of those that are
 * only counted none is read. Not by a watermark: a transaction with a lower id may commit later. Not SKIP
 * LOCKED: order.
 */
async function oldest(client: Queryable, { topic, partition, most }: Lane): Promise<Row[]> {
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
    [topic, partition, most, batchBytes],
  );
  return rows.map(({ headers, ...rest }) => ({ ...rest, headers: readHeaders(headers) }));
}

/**
 * Takes a message out of the way that Kafka will never take. A short form of it goes in its place, where
 * there is one: whoever waits for the event is told, in the order of the partition.
 */
async function putAside(client: Queryable, lane: Lane, row: Row, refusal: NotTaken): Promise<void> {
  const substitute = shortForm(lane.topic, row);
  const outcome = substitute && (await isTaken(lane, substitute)) ? 'a short form' : 'nothing';
  const failure = `${messageOf(refusal)} (${row.value?.length ?? 0} bytes); ${outcome} was sent in its place`;
  await client.query(
    'update outbox set failed_at = clock_timestamp(), failure = $2 where id = $1',
    [row.id, failure],
  );
  logger.error('relay: message put aside, Kafka does not take it', {
    outboxId: row.id,
    topic: lane.topic,
    failure,
  });
}

async function isTaken(lane: Lane, message: MessageParts): Promise<boolean> {
  try {
    await sendTo(lane, [message]);
    return true;
  } catch (error) {
    if (error instanceof NotTaken) return false;
    throw error;
  }
}

function shortForm(topic: string, message: MessageParts): MessageParts | undefined {
  if (topic === topics.work.name) return undefined;
  if (topic !== topics.results.name) return shortLetter(message);
  const value = shortEvent(message.value?.toString() ?? '');
  return value === undefined ? undefined : { ...message, value: Buffer.from(value) };
}
