import type pg from 'pg';
import { catalogue, type Queryable } from '../runtime/catalogue.ts';
import { serializeError } from '../runtime/errors.ts';
import { logger } from '../runtime/logger.ts';
import type { Position } from './cursor.ts';
import { deliver, type Recipient } from './deliver.ts';
import type { Entry } from './entries.ts';
import type { Gateway } from './gateway.ts';
import { readingsMessages } from './messages.ts';
import { MovingPosition, type PartitionPosition, positionOf } from './position.ts';

/** Entries that a connection gets when it has taken its last message. */
interface Pending {
  entries: Entry[];
  /** Position of the first entry, or before it. */
  start: Position;
  /** Cursor after the last one. */
  end: string;
}

/** What is being sent to a connection: one message at a time, so that none overtakes another. */
interface Flight {
  /** `next` of the last message that was begun. */
  next: string;
  pending: Pending | undefined;
  landed: Promise<void>;
}

/** A message that is about to be sent. */
export interface Announced {
  connectionId: string;
  next: string;
}

interface State {
  round: number;
  confirmed_round: number;
  ms_since_round: number;
  subscribers: number;
}

/** The time in which one process holds the lock of the sender, and what it knows of the rounds. */
export class Tenure {
  readonly client: pg.ClientBase;
  readonly gateway: Gateway;
  /** The source of the readings. */
  readonly source: string | null;
  /** Connections with subscriptions, when it began. */
  readonly subscribers: number;
  /** By connection. */
  readonly flights = new Map<string, Flight>();
  /** Up to here everything was sent. */
  readonly sent: MovingPosition;
  /** Connections with a last message between these rounds may not have got it: a former sender was killed. */
  readonly inDoubt: { after: number; upTo: number };
  #round: number;
  #confirmed: number;
  #roundAt: number;
  #hasFailed = false;

  private constructor(
    client: pg.ClientBase,
    gateway: Gateway,
    source: string | null,
    state: State,
    sent: readonly PartitionPosition[],
  ) {
    this.client = client;
    this.gateway = gateway;
    this.source = source;
    this.sent = new MovingPosition();
    for (const partition of sent) this.sent.advance(partition);
    this.subscribers = state.subscribers;
    this.inDoubt = { after: state.confirmed_round, upTo: state.round };
    this.#round = state.round;
    this.#confirmed = state.confirmed_round;
    this.#roundAt = performance.now() - state.ms_since_round;
  }

  static async start(
    client: pg.ClientBase,
    gateway: Gateway,
    source: string | null,
  ): Promise<Tenure> {
    const { rows } = await client.query<State>(
      `select round, confirmed_round,
         (extract(epoch from clock_timestamp() - round_at) * 1000)::float8 as ms_since_round,
         (select count(*) from live_subscriptions) as subscribers
       from live_sender`,
    );
    const [state] = rows;
    if (!state) throw new Error('the catalogue has no row of the live sender');
    return new Tenure(client, gateway, source, state, await sentPositions(client));
  }

  /** Returns the milliseconds until a round may start, if `intervalMs` are between two of them. */
  msUntilRound(intervalMs: number): number {
    return Math.max(0, this.#roundAt + intervalMs - performance.now());
  }

  /**
   * Records a round before its messages are sent: whatever becomes of this process, no later sender sends the same once
   * more, and each can tell which connections may have missed a message.
   */
  async startRound(
    moved: readonly PartitionPosition[],
    announced: readonly Announced[],
  ): Promise<void> {
    const former = this.#round;
    this.#round += 1;
    this.#roundAt = performance.now();
    if (this.flights.size === 0 && !this.#hasFailed) this.#confirmed = former;
    await this.client.query(
      `with positions as (
         update live_positions p set sent_epoch = m.epoch, sent_offset = m.next_offset
         from unnest($1::text[], $2::integer[], $3::integer[], $4::bigint[])
           m (topic, partition, epoch, next_offset)
         where p.topic = m.topic and p.partition = m.partition),
       connections as (
         update live_connections c
         set next_cursor = a.next, sent_round = $7, seen_at = now(), failures = 0, retry_at = null,
           replay_id = null, replay_until = null
         from unnest($5::text[], $6::text[]) a (id, next)
         where c.id = a.id)
       update live_sender set round = $7, round_at = clock_timestamp(), confirmed_round = $8`,
      [
        moved.map(({ topic }) => topic),
        moved.map(({ partition }) => partition),
        moved.map(({ epoch }) => epoch),
        moved.map(({ nextOffset }) => nextOffset),
        announced.map(({ connectionId }) => connectionId),
        announced.map(({ next }) => next),
        this.#round,
        this.#confirmed,
      ],
    );
  }

  /** Starts to send messages to a connection that has no flight. Does not wait for them. */
  dispatch(recipient: Recipient, texts: readonly string[], next: string): void {
    const landed = Promise.withResolvers<void>();
    const flight: Flight = { next, pending: undefined, landed: landed.promise };
    this.flights.set(recipient.id, flight);
    void this.#fly(recipient, texts, flight)
      .catch((error: unknown) => {
        this.#hasFailed = true;
        logger.warn('live messages in doubt', {
          connectionId: recipient.id,
          error: serializeError(error),
        });
      })
      .finally(() => {
        this.flights.delete(recipient.id);
        landed.resolve();
      });
  }

  /** Adds to what a connection gets after its current message. */
  addPending(flight: Flight, { entries, start, end }: Pending): void {
    if (!flight.pending) flight.pending = { entries: [...entries], start, end };
    else {
      flight.pending.entries.push(...entries);
      flight.pending.end = end;
    }
  }

  async #fly(recipient: Recipient, first: readonly string[], flight: Flight): Promise<void> {
    for (let texts = first; ; ) {
      if (!(await deliver(this.gateway, recipient, texts))) return;
      const { pending, next: prev } = flight;
      if (!pending) return;
      flight.pending = undefined;
      flight.next = pending.end;
      await catalogue().query(
        'update live_connections set next_cursor = $2, sent_round = $3 where id = $1',
        [recipient.id, pending.end, this.#round],
      );
      texts = readingsMessages(pending.entries, { prev, start: pending.start, end: pending.end });
    }
  }

  /** Resolves when all messages that are in flight now have landed. */
  async settled(): Promise<void> {
    await Promise.all([...this.flights.values()].map(({ landed }) => landed));
  }

  /** Waits for all messages and confirms them. Throws if a message is in doubt: the next sender looks after it. */
  async end(): Promise<void> {
    while (this.flights.size > 0) await this.settled();
    if (this.#hasFailed) throw new Error('the sender could not record what became of its messages');
    if (this.#round === this.inDoubt.upTo) return;
    await this.client.query('update live_sender set confirmed_round = $1', [this.#round]);
  }
}

/** Returns the position up to which everything was sent. */
export const sentPosition = async (client: Queryable): Promise<Position> =>
  positionOf(await sentPositions(client));

async function sentPositions(client: Queryable): Promise<PartitionPosition[]> {
  const { rows } = await client.query<{
    topic: string;
    partition: number;
    epoch: number;
    next_offset: number;
  }>(
    'select topic, partition, sent_epoch as epoch, sent_offset as next_offset from live_positions',
  );
  return rows.map(({ topic, partition, epoch, next_offset }) => ({
    topic,
    partition,
    epoch,
    nextOffset: next_offset,
  }));
}
