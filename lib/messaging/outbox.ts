import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { catalogue, type Queryable } from '../runtime/catalogue.ts';
import { messageOf } from '../runtime/errors.ts';
import { logger } from '../runtime/logger.ts';
import { Backoff } from './backoff.ts';
import { type Header, storedHeaders } from './header.ts';
import { connectProducer, type Line, partitionOf } from './kafka.ts';
import { type Lane, mostMessages, relayBatch } from './outbox-batch.ts';
import { topics } from './topics.ts';

/**
 * The outbox: a state change and the message about it commit in one transaction; the relay sends what was
 * committed, in the order of the ids within a partition, at least once. Consumers tell a repeat by the
 * event id.
 */
interface Enqueued {
  topic: string;
  key: string | Buffer | null;
  value: Buffer | null;
  /** Where it is not given, the key chooses it. */
  partition?: number;
  headers?: readonly Header[];
  eventId?: string;
  dispatchId?: string;
}

/** Writes a message into the outbox, in the caller's transaction. */
export async function enqueue(client: Queryable, message: Enqueued): Promise<void> {
  const key = message.key === null ? null : Buffer.from(message.key);
  await client.query(
    `insert into outbox (event_id, topic, partition, key, value, headers, dispatch_id)
     values ($1, $2, $3, $4, $5, $6, $7)`,
    [
      message.eventId ?? randomUUID(),
      message.topic,
      message.partition ?? partitionOf(message.topic, key),
      key,
      message.value,
      storedHeaders(message.headers ?? []),
      message.dispatchId ?? null,
    ],
  );
}

interface RetriedLane extends Lane {
  backoff: Backoff;
}

/**
 * A pass over the lanes of a line: work for the workers never waits for results. One at a time in this
 * process: a call while it runs has it look once more.
 */
class Pass {
  readonly #line: Line;
  readonly #lanes = new Map<string, RetriedLane>();
  readonly #backoff = new Backoff();
  #running: Promise<void> | undefined;
  #again = false;
  #until = 0;

  constructor(line: Line) {
    this.#line = line;
  }

  /** Sends until nothing is left or the time is over. Never throws. */
  run(milliseconds: number): Promise<void> {
    this.#again = true;
    this.#until = Math.max(this.#until, performance.now() + milliseconds);
    this.#running ??= this.#drain();
    return this.#running;
  }

  async #drain(): Promise<void> {
    try {
      while (this.#again) {
        this.#again = false;
        const lanes = (await this.#find()).filter(({ backoff }) => !backoff.waits);
        if (lanes.length > 0) await this.#relay(lanes);
      }
    } catch (error) {
      this.#backoff.failed();
      logger.warn('relay: messages stay in the outbox', { reason: messageOf(error) });
    } finally {
      // In the same moment as the last look at `#again`: a call in between would be forgotten.
      this.#running = undefined;
    }
  }

  /** One batch of each lane in turn, until none has more. Throws if Kafka cannot be reached at all. */
  async #relay(lanes: RetriedLane[]): Promise<void> {
    let left = lanes;
    // Another relay may have looked before our message was there: we look again until it is through.
    for (let idle = 0; left.length > 0 && idle < 20 && performance.now() < this.#until; ) {
      const outcomes: ('more' | 'empty' | 'busy' | 'failed')[] = [];
      for (const lane of left) {
        if (this.#backoff.waits) return;
        await connectProducer(this.#line);
        this.#backoff.succeeded();
        outcomes.push(await this.#relayLane(lane));
      }
      left = left.filter((_, n) => outcomes[n] === 'more' || outcomes[n] === 'busy');
      if (outcomes.includes('more')) idle = 0;
      else if (left.length > 0) {
        idle++;
        await setTimeout(50);
      }
    }
  }

  async #relayLane(lane: RetriedLane): Promise<'more' | 'empty' | 'busy' | 'failed'> {
    try {
      const outcome = await relayBatch(lane);
      lane.backoff.succeeded();
      return outcome;
    } catch (error) {
      lane.backoff.failed();
      lane.most = Math.max(1, Math.floor(lane.most / 2));
      logger.warn('relay: messages of a partition stay in the outbox', {
        topic: lane.topic,
        partition: lane.partition,
        reason: messageOf(error),
      });
      return 'failed';
    }
  }

  /** The lanes that have something to send. From one to the next by the index, however many messages there are. */
  async #find(): Promise<RetriedLane[]> {
    const { rows } = await catalogue().query<{ topic: string; partition: number }>(
      `with recursive lanes as (
         (select topic, coalesce(partition, -1) as partition from outbox
           where sent_at is null and failed_at is null
           order by topic, coalesce(partition, -1) limit 1)
         union all
         select next.topic, next.partition from lanes cross join lateral (
           select o.topic, coalesce(o.partition, -1) as partition from outbox o
           where o.sent_at is null and o.failed_at is null
             and (o.topic, coalesce(o.partition, -1)) > (lanes.topic, lanes.partition)
           order by o.topic, coalesce(o.partition, -1) limit 1) next)
       select topic, partition from lanes where (topic = $1) = $2`,
      [topics.work.name, this.#line === 'work'],
    );
    return rows.map(({ topic, partition }) => {
      const name = `${topic}-${partition}`;
      const known = this.#lanes.get(name) ?? {
        line: this.#line,
        topic,
        partition,
        most: mostMessages,
        backoff: new Backoff(),
      };
      this.#lanes.set(name, known);
      return known;
    });
  }
}

const work = new Pass('work');
const others = new Pass('others');

/** How long whoever has just enqueued something helps with what else is there. */
const usualMilliseconds = 2_000;

/**
 * Relays until nothing is left, or for about so many milliseconds. Never throws: what could not be sent
 * now, the sweep sends.
 */
export async function relay(milliseconds = usualMilliseconds): Promise<void> {
  await Promise.all([work.run(milliseconds), others.run(milliseconds)]);
}

/** Relays, and waits for it at most `milliseconds`; what is under way then goes on behind. */
export async function relayWithin(milliseconds: number): Promise<void> {
  const patience = new AbortController();
  const waited = setTimeout(milliseconds, undefined, { signal: patience.signal }).catch(
    () => undefined,
  );
  await Promise.race([relay(), waited]);
  patience.abort();
}
