import { mayReadAll, readableSeries } from '../readings/readings-source.ts';
import { type Batch, readRecent, readUnsent } from './batches.ts';
import {
  maxFailures,
  type ReadingsGrant,
  removeConnections,
  rightsJoin,
  rightsOf,
} from './connections.ts';
import { encodeCursor, type Position } from './cursor.ts';
import type { Recipient } from './deliver.ts';
import { type Entry, latestOfSeries } from './entries.ts';
import { emptyMessage, messageText, readingsMessages, resyncMessage } from './messages.ts';
import type { Announced, Tenure } from './tenure.ts';

/** A connection with subscriptions. */
interface Subscriber {
  id: string;
  version: number;
  next_cursor: string | null;
  failures: number;
  is_allowed: boolean;
  readings_grant: ReadingsGrant | null;
  /** Waits for its next try after a failed delivery. */
  waits: boolean;
  /** Its next try is due. */
  is_due: boolean;
  /** A replay sends to it, not the sender. */
  is_replayed: boolean;
  /** Its last message may not have been sent. */
  in_doubt: boolean;
  /** Its replay did not end in time. */
  is_lost: boolean;
}

/** What a connection gets in a round. */
interface Dispatch {
  recipient: Recipient;
  texts: string[];
  /** Null: what it gets is no part of its chain. */
  next: string | null;
}

/** Readings of a round by series, in the order in which they were read. */
type BySeries = ReadonlyMap<string, readonly { entry: Entry; order: number }[]>;

/** One round of the sender: reads what was stored since the last one, and sends each connection its part of it. */
export class Round {
  readonly #tenure: Tenure;
  readonly #dispatches: Dispatch[] = [];
  readonly #selections = new Map<string, readonly Entry[]>();
  #recent: Promise<readonly Entry[]> | undefined;

  constructor(tenure: Tenure) {
    this.#tenure = tenure;
  }

  /** Starts the messages and does not wait for them. Returns whether there was nothing to do. */
  async run(): Promise<boolean> {
    const { client, sent } = this.#tenure;
    const batches = await readUnsent(client);
    const subscribers = await readSubscribers(this.#tenure);
    const start = sent.snapshot();
    for (const batch of batches) sent.advance(batch);
    const end = encodeCursor(sent.snapshot());
    const bySeries = groupBySeries(batches);
    for (const { subscriber, subscription } of subscribers)
      await this.#plan(subscriber, subscription, bySeries, { start, end });

    if (batches.length === 0 && this.#dispatches.length === 0) return true;
    const announced = this.#dispatches.flatMap(({ recipient, next }): Announced[] =>
      next === null ? [] : [{ connectionId: recipient.id, next }],
    );
    await this.#tenure.startRound(lastOfPartitions(batches), announced);
    for (const { recipient, texts, next } of this.#dispatches)
      this.#tenure.dispatch(recipient, texts, next ?? '');
    return false;
  }

  async #plan(
    subscriber: Subscriber,
    subscription: Subscription,
    bySeries: BySeries,
    { start, end }: { start: Position; end: string },
  ): Promise<void> {
    const { id, failures } = subscriber;
    const send = (texts: string[], next: string | null): void => {
      this.#dispatches.push({ recipient: { id, failures }, texts, next });
    };
    const flight = this.#tenure.flights.get(id);
    if (!subscriber.is_allowed || failures >= maxFailures) return this.#close(id);
    const readable = readableSeries(subscriber.readings_grant ?? undefined);
    const isReadable = mayReadAll(readable, subscription.series);
    if (flight && !isReadable) return;
    if (!isReadable) {
      await this.#tenure.client.query('delete from live_subscriptions where connection_id = $1', [
        id,
      ]);
      return send([rightWithdrawn], null);
    }
    if (flight) {
      const entries = this.#select(subscription, bySeries);
      if (entries.length > 0)
        this.#tenure.addPending(flight, { entries: [...entries], start, end });
      return;
    }
    // Unlike its last `next`, unless there was nothing since: it subscribes again, and that replay goes on.
    if (subscriber.is_lost) return send([emptyMessage(end)], end);
    if (subscriber.is_replayed || (subscriber.waits && !subscriber.is_due)) return;
    if (subscriber.waits) return send(await this.#catchUp(subscription, end, start), end);

    const { next_cursor } = subscriber;
    const prev = next_cursor ?? end;
    const check = subscriber.in_doubt ? [emptyMessage(prev)] : [];
    const entries = this.#select(subscription, bySeries);
    if (entries.length > 0)
      send([...check, ...readingsMessages(entries, { prev, start, end })], end);
    else if (check.length > 0) send(check, prev);
  }

  /** Returns the entries of a subscription, in the order of the offsets of each partition. */
  #select({ key, series }: Subscription, bySeries: BySeries): readonly Entry[] {
    const known = this.#selections.get(key);
    if (known) return known;
    const names = series.size < bySeries.size ? series : bySeries.keys();
    const found = [...names].flatMap((name) =>
      series.has(name) ? (bySeries.get(name) ?? []) : [],
    );
    const entries = found.toSorted((a, b) => a.order - b.order).map(({ entry }) => entry);
    this.#selections.set(key, entries);
    return entries;
  }

  /** Returns what a connection gets that was slow: that it has to read what it missed, and the latest values. */
  async #catchUp({ series }: Subscription, end: string, start: Position): Promise<string[]> {
    this.#recent ??= readRecent(this.#tenure.client).then((batches) =>
      batches.flatMap(({ entries }) => entries),
    );
    const latest = latestOfSeries((await this.#recent).filter((entry) => series.has(entry.series)));
    return [
      resyncMessage('slow', end),
      // Not a part of its chain, so its messages lead from `end` to `end`.
      ...readingsMessages(latest, { prev: end, start, end, cursorOf: () => end }),
    ];
  }

  async #close(id: string): Promise<void> {
    await removeConnections([id], this.#tenure.client);
    await this.#tenure.gateway.close(id);
  }
}

/** Returns the last batch of each partition. They are in order. */
const lastOfPartitions = (batches: readonly Batch[]): Batch[] => [
  ...new Map(batches.map((batch) => [`${batch.topic}-${batch.partition}`, batch])).values(),
];

const rightWithdrawn = messageText({
  type: 'error',
  code: 'forbidden',
  message: 'The right to read these series was withdrawn. Ask your administrator for it.',
});

interface Subscription {
  series: ReadonlySet<string>;
  /** The same for equal sets of series. */
  key: string;
}

/** By version. Subscriptions change rarely, and every round needs them. */
const subscriptions = new Map<number, Subscription>();

async function readSubscribers({
  client,
  source,
  inDoubt,
}: Tenure): Promise<{ subscriber: Subscriber; subscription: Subscription }[]> {
  const { rows } = await client.query<Subscriber & { series: string[] | null }>(
    `select c.id, s.version, case when s.version = any($4) then null else s.series end as series,
       c.next_cursor, c.failures, ${rightsOf},
       c.retry_at is not null as waits, coalesce(c.retry_at <= now(), false) as is_due,
       c.replay_id is not null as is_replayed, coalesce(c.replay_until < now(), false) as is_lost,
       c.sent_round > $2 and c.sent_round <= $3 as in_doubt
     from live_subscriptions s join live_connections c on c.id = s.connection_id ${rightsJoin}`,
    [source, inDoubt.after, inDoubt.upTo, [...subscriptions.keys()]],
  );
  const current = new Set(rows.map(({ version }) => version));
  for (const version of subscriptions.keys())
    if (!current.has(version)) subscriptions.delete(version);
  return rows.map(({ series, ...subscriber }) => {
    const known = subscriptions.get(subscriber.version);
    const subscription = known ?? {
      series: new Set(series),
      // Names of series have no control characters.
      key: (series ?? []).toSorted().join('\n'),
    };
    subscriptions.set(subscriber.version, subscription);
    return { subscriber, subscription };
  });
}

function groupBySeries(batches: readonly Batch[]): BySeries {
  const bySeries = new Map<string, { entry: Entry; order: number }[]>();
  let order = 0;
  for (const { entries } of batches)
    for (const entry of entries) {
      const known = bySeries.get(entry.series);
      const found = { entry, order: order++ };
      if (known) known.push(found);
      else bySeries.set(entry.series, [found]);
    }
  return bySeries;
}
