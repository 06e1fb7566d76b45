import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { catalogue, type Queryable } from '../runtime/catalogue.ts';
import { errorMessage } from '../runtime/errors.ts';
import { logger } from '../runtime/logger.ts';
import { settledWithin } from '../runtime/timeout.ts';
import { currentTraceparent } from '../runtime/tracing.ts';
import { Backoff } from './backoff.ts';
import { connectProducer, type ProducerName, partitionOf } from './kafka.ts';
import { type Header, storedHeaders, traceHeader } from './message-headers.ts';
import { type Lane, maxMessages, relayBatch } from './outbox-batch.ts';
import { topics } from './topics.ts';

/**
 * A message of the outbox. A state change and its message commit in one transaction; the relay sends committed
 * messages at least once, in the order of the ids within a partition. Consumers recognize a repeat by the event id.
 */
interface Enqueued {
  topic: string;
  key: string | Buffer | null;
  value: Buffer | null;
  /** If absent, the key chooses it. */
  partition?: number;
  headers?: readonly Header[];
  eventId?: string;
  dispatchId?: string;
  /** The trace to which the message belongs. Absent: that of the current span, unless a header names one. */
  traceparent?: string | undefined;
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
      storedHeaders(tracedHeaders(message)),
      message.dispatchId ?? null,
    ],
  );
}

/** Returns the headers of a message with that of its trace. One that is sent again keeps its own. */
function tracedHeaders({ headers = [], traceparent = currentTraceparent() }: Enqueued) {
  if (traceparent === undefined || headers.some(({ key }) => key === traceHeader)) return headers;
  return [...headers, { key: traceHeader, value: Buffer.from(traceparent) }];
}

/** Messages of one statement, and about how many bytes of values it has: its parameters are held in memory. */
const maxEnqueued = 1_000;
const maxEnqueuedBytes = 4 * 1024 * 1024;

/** Writes messages into the outbox, in their order. One whose event id the outbox has already is left out. */
export async function enqueueAll(
  messages: readonly (Enqueued & { eventId: string })[],
  client: Queryable = catalogue(),
): Promise<void> {
  for (let from = 0; from < messages.length; ) {
    let bytes = 0;
    let to = from;
    while (to < messages.length && to < from + maxEnqueued && bytes < maxEnqueuedBytes)
      bytes += messages[to++]?.value?.length ?? 0;
    const some = messages.slice(from, to);
    const keys = some.map(({ key }) => (key === null ? null : Buffer.from(key)));
    await client.query(
      `insert into outbox (event_id, topic, partition, key, value, headers)
       select * from unnest($1::uuid[], $2::text[], $3::integer[], $4::bytea[], $5::bytea[], $6::jsonb[])
       on conflict (event_id) do nothing`,
      [
        some.map(({ eventId }) => eventId),
        some.map(({ topic }) => topic),
        some.map(({ topic, partition }, n) => partition ?? partitionOf(topic, keys[n] ?? null)),
        keys,
        some.map(({ value }) => value),
        some.map((message) => storedHeaders(tracedHeaders(message))),
      ],
    );
    from = to;
  }
}

interface RetriedLane extends Lane {
  backoff: Backoff;
}

/**
 * Relays the lanes of one producer, so that messages for the workers never wait for results. It runs once at a time
 * in this process: a call during a run makes it search the outbox again.
 */
class ProducerRelay {
  readonly #producerName: ProducerName;
  readonly #lanes = new Map<string, RetriedLane>();
  readonly #backoff = new Backoff();
  #running: Promise<void> | undefined;
  #again = false;
  #until = 0;

  constructor(producerName: ProducerName) {
    this.#producerName = producerName;
  }

  /** Sends until its lanes are empty or `milliseconds` have passed. Never throws. */
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
      logger.warn('relay: messages stay in the outbox', { reason: errorMessage(error) });
    } finally {
      // In the same tick as the last check of `#again`: a call in between would be lost.
      this.#running = undefined;
    }
  }

  /** Sends one batch of each lane in turn, until no lane has more. Throws if Kafka is unreachable. */
  async #relay(lanes: RetriedLane[]): Promise<void> {
    let active = lanes;
    // Another relay may have read a lane before our message was in it, so a busy lane is tried for 1 s.
    for (let idle = 0; active.length > 0 && idle < 20 && performance.now() < this.#until; ) {
      const outcomes: ('more' | 'empty' | 'busy' | 'failed')[] = [];
      for (const lane of active) {
        if (this.#backoff.waits) return;
        await connectProducer(this.#producerName);
        this.#backoff.succeeded();
        outcomes.push(await this.#relayLane(lane));
      }
      active = active.filter((_, n) => outcomes[n] === 'more' || outcomes[n] === 'busy');
      if (outcomes.includes('more')) idle = 0;
      else if (active.length > 0) {
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
      lane.batchSize = Math.max(1, Math.floor(lane.batchSize / 2));
      logger.warn('relay: messages of a partition stay in the outbox', {
        topic: lane.topic,
        partition: lane.partition,
        reason: errorMessage(error),
      });
      return 'failed';
    }
  }

  /** Returns the lanes with unsent messages. The query steps through the index from lane to lane, not over the messages. */
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
      [topics.work.name, this.#producerName === 'work'],
    );
    return rows.map(({ topic, partition }) => {
      const name = `${topic}-${partition}`;
      const lane = this.#lanes.get(name) ?? {
        producerName: this.#producerName,
        topic,
        partition,
        batchSize: maxMessages,
        backoff: new Backoff(),
      };
      this.#lanes.set(name, lane);
      return lane;
    });
  }
}

const workRelay = new ProducerRelay('work');
const othersRelay = new ProducerRelay('others');

/** How long a caller that has enqueued a message also relays other messages. */
const defaultRelayMs = 2_000;

/**
 * Relays until the outbox is empty, for about `milliseconds` at most. Never throws: the sweep sends what could not
 * be sent now.
 */
export async function relay(milliseconds = defaultRelayMs): Promise<void> {
  await Promise.all([workRelay.run(milliseconds), othersRelay.run(milliseconds)]);
}

/** Relays, and waits for at most `milliseconds`; a relay that takes longer goes on in the background. */
export async function relayWithTimeout(milliseconds: number): Promise<void> {
  await settledWithin(relay(), milliseconds);
}
