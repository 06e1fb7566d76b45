import { z } from 'zod';
import type { Queryable } from '../runtime/catalogue.ts';
import { catalogue } from '../runtime/catalogue.ts';
import type { Position } from './cursor.ts';
import type { Entry } from './entries.ts';
import { offsetIn, type PartitionPosition } from './position.ts';

/** What the fan-out has read of a partition in one invocation. */
export interface Batch {
  topic: string;
  partition: number;
  epoch: number;
  /** Offset of the first record. */
  firstOffset: number;
  /** After the last record. */
  nextOffset: number;
  /** In the order of their offsets. Records that were refused have none. */
  entries: readonly Entry[];
}

/** How long batches are kept for replays and for slow connections. */
const batchSeconds = 60;

const itemsSchema = z.array(z.tuple([z.number(), z.string(), z.string()]));

const itemsOf = (entries: readonly Entry[]): string =>
  JSON.stringify(
    entries.map(({ offset, series, json }): z.infer<typeof itemsSchema>[number] => [
      offset,
      series,
      json,
    ]),
  );

/** Stores what of a batch was not stored before, so that a redelivery changes nothing. */
export async function storeRest(batch: Batch): Promise<void> {
  if (await storeBatch(batch)) return;
  const { rows } = await catalogue().query<{ epoch: number; next_offset: number }>(
    'select epoch, next_offset from live_positions where topic = $1 and partition = $2',
    [batch.topic, batch.partition],
  );
  const [known] = rows;
  if (known?.epoch !== batch.epoch)
    throw new Error(`the topic ${batch.topic} has another epoch than ${batch.epoch}`);
  const rest = after(batch, known.next_offset);
  if (rest) await storeBatch(rest);
}

/** Returns what of a batch is not before an offset, undefined if that is nothing. */
function after(batch: Batch, offset: number): Batch | undefined {
  if (batch.nextOffset <= offset) return undefined;
  return {
    ...batch,
    firstOffset: Math.max(batch.firstOffset, offset),
    entries: batch.entries.filter((entry) => entry.offset >= offset),
  };
}

/**
 * Stores a batch and moves the position of its partition on, in one transaction. Returns false, and does neither, if the
 * position is already after its first record, or in a later epoch.
 */
export async function storeBatch(batch: Batch): Promise<boolean> {
  const { topic, partition, epoch, firstOffset, nextOffset, entries } = batch;
  const items = itemsOf(entries);
  const { rowCount } = await catalogue().query(
    `with moved as (
       insert into live_positions as p (topic, partition, epoch, next_offset, sent_epoch, sent_offset)
       values ($1, $2, $3, $5, $3, $4)
       on conflict (topic, partition) do update
         set epoch = excluded.epoch, next_offset = excluded.next_offset
         where p.epoch < excluded.epoch or (p.epoch = excluded.epoch and p.next_offset <= $4)
       returning 1)
     insert into live_batches (topic, partition, epoch, first_offset, next_offset, bytes, items)
     select $1, $2, $3, $4, $5, $6, $7 from moved`,
    [topic, partition, epoch, firstOffset, nextOffset, Buffer.byteLength(items), items],
  );
  return rowCount === 1;
}

interface Row {
  topic: string;
  partition: number;
  epoch: number;
  first_offset: number;
  next_offset: number;
  items: string;
}

const columns = 'b.topic, b.partition, b.epoch, b.first_offset, b.next_offset, b.items';

function toBatch({ topic, partition, epoch, first_offset, next_offset, items }: Row): Batch {
  return {
    topic,
    partition,
    epoch,
    firstOffset: first_offset,
    nextOffset: next_offset,
    entries: itemsSchema
      .parse(JSON.parse(items))
      .map(([offset, series, json]) => ({ topic, partition, epoch, offset, series, json })),
  };
}

/** Bytes of the items that one round sends; the next round sends the rest. */
const roundBytes = 8 * 1024 * 1024;

/** Returns stored batches that the sender has not sent, in the order of the offsets of each partition. */
export async function readUnsent(client: Queryable): Promise<Batch[]> {
  const { rows } = await client.query<Row>(
    `select topic, partition, epoch, first_offset, next_offset, items from (
       select ${columns}, sum(b.bytes) over (
         order by b.topic, b.partition, b.epoch, b.next_offset rows unbounded preceding) - b.bytes as before
       from live_positions p join live_batches b on b.topic = p.topic and b.partition = p.partition
       where (b.epoch, b.next_offset) > (p.sent_epoch, p.sent_offset)) unsent
     where before < $1
     order by topic, partition, epoch, next_offset`,
    [roundBytes],
  );
  return rows.map(toBatch);
}

/** Returns whether there is anything that the sender has not sent. */
export async function isUnsent(client: Queryable): Promise<boolean> {
  const { rows } = await client.query<{ unsent: boolean }>(
    `select exists (
       select from live_positions p where (p.epoch, p.next_offset) > (p.sent_epoch, p.sent_offset)
     ) as unsent`,
  );
  return rows[0]?.unsent === true;
}

/** Returns the batches of the last minute, in the order of the offsets of each partition. */
export async function readRecent(client: Queryable): Promise<Batch[]> {
  const { rows } = await client.query<Row>(
    `select ${columns} from live_batches b
     where b.stored_at > now() - interval '${batchSeconds} seconds'
     order by b.topic, b.partition, b.epoch, b.next_offset`,
  );
  return rows.map(toBatch);
}

/**
 * Returns the entries of these series between two positions, or undefined if batches of that range are not kept any
 * more.
 */
export async function readBetween(
  client: Queryable,
  from: Position,
  to: Position,
  series: ReadonlySet<string>,
): Promise<Entry[] | undefined> {
  const entries: Entry[] = [];
  for (const [topic, { epoch, nextOffsets }] of to)
    for (const [partition, nextOffset] of nextOffsets) {
      const start = offsetIn(from, { topic, partition, epoch });
      if (start >= nextOffset) continue;
      const batches = await readPartition(client, { topic, partition, epoch, nextOffset }, start);
      if (!batches) return undefined;
      for (const entry of batches.flatMap((batch) => batch.entries))
        if (entry.offset >= start && series.has(entry.series)) entries.push(entry);
    }
  return entries;
}

async function readPartition(
  client: Queryable,
  { topic, partition, epoch, nextOffset }: PartitionPosition,
  start: number,
): Promise<Batch[] | undefined> {
  const { rows } = await client.query<Row>(
    `select ${columns} from live_batches b
     where b.topic = $1 and b.partition = $2 and b.epoch = $3 and b.next_offset > $4
       and b.next_offset <= $5
     order by b.next_offset`,
    [topic, partition, epoch, start, nextOffset],
  );
  const batches = rows.map(toBatch);
  const [first] = batches;
  if (!first) return undefined;
  if (first.firstOffset <= start) return batches;
  // Offsets have gaps, but between two batches that are kept there is nothing.
  const { rowCount } = await client.query(
    `select from live_batches b
     where b.topic = $1 and b.partition = $2 and b.epoch = $3 and b.next_offset <= $4 limit 1`,
    [topic, partition, epoch, start],
  );
  return rowCount === 1 ? batches : undefined;
}

/** Deletes batches that were sent and are no longer kept. */
export async function pruneBatches(client: Queryable): Promise<void> {
  await client.query(
    `delete from live_batches b using live_positions p
     where p.topic = b.topic and p.partition = b.partition
       and (b.epoch, b.next_offset) <= (p.sent_epoch, p.sent_offset)
       and b.stored_at < now() - interval '${batchSeconds} seconds'`,
  );
}
