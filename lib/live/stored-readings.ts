import type pg from 'pg';
import { config } from '../runtime/config.ts';
import { type Asker, askSource } from '../sources/question.ts';
import type { Position } from './cursor.ts';
import { type Entry, itemJson } from './entries.ts';
import { MovingPosition, offsetIn, type PartitionPosition, positionOf } from './position.ts';

/** How far ingest has stored a partition. */
interface Progress extends PartitionPosition {
  streamId: number;
}

async function readProgress(client: pg.ClientBase): Promise<Progress[]> {
  const { rows } = await client.query<{
    topic: string;
    partition: number;
    epoch: number;
    next_offset: number;
    stream_id: number;
  }>(
    `select p.topic, p.partition, p.epoch, p.next_offset::pg_catalog.float8 as next_offset, s.stream_id
     from public.ingest_progress p
     join public.ingest_streams s on s.topic = p.topic and s.epoch = p.epoch
     where not exists (
       select from public.ingest_streams later where later.topic = p.topic and later.epoch > p.epoch)`,
  );
  return rows.map(({ topic, partition, epoch, next_offset, stream_id }) => ({
    topic,
    partition,
    epoch,
    nextOffset: next_offset,
    streamId: stream_id,
  }));
}

/** Returns the position up to which all readings are stored. Throws what a question to a source throws. */
export const storedPosition = (source: string, asker: Asker): Promise<Position> =>
  askSource(source, asker, async (client) => positionOf(await readProgress(client)));

/** Offsets and readings of one page. */
const pageOffsets = 20_000;
const pageReadings = 10_000;

interface StoredReading {
  offset: number;
  series: string;
  at_micros: number;
  value: number;
}

/**
 * Returns readings of these series that are stored, from one position up to another, in the order of the offsets of
 * each partition, and the position that they reach: `from` itself if no more are stored yet.
 */
export async function readStored(
  from: Position,
  to: Position,
  series: ReadonlySet<string>,
  asker: Asker,
): Promise<{ entries: Entry[]; reached: Position }> {
  const { readings } = config();
  if (!readings) throw new Error('this deployment stores no readings');
  return askSource(readings.source, asker, async (client) => {
    const entries: Entry[] = [];
    const reached = new MovingPosition(from);
    for (const progress of await readProgress(client)) {
      const { topic, partition, epoch, nextOffset } = progress;
      if (to.get(topic)?.epoch !== epoch) continue;
      const start = offsetIn(from, progress);
      const stop = Math.min(nextOffset, offsetIn(to, progress), start + pageOffsets);
      if (start >= stop || entries.length >= pageReadings) continue;
      const page = await readOffsets(client, progress, { start, stop }, series);
      for (const { offset, series: name, at_micros, value } of page.rows)
        entries.push({
          topic,
          partition,
          epoch,
          offset,
          series: name,
          json: itemJson({ series: name, atMicros: at_micros, value }),
        });
      reached.advance({ topic, partition, epoch, nextOffset: page.stop });
    }
    return { entries, reached: reached.snapshot() };
  });
}

/** Reads whole records: an array is one record with many readings. */
async function readOffsets(
  client: pg.ClientBase,
  { streamId, partition }: Pick<Progress, 'streamId' | 'partition'>,
  { start, stop }: { start: number; stop: number },
  series: ReadonlySet<string>,
): Promise<{ rows: StoredReading[]; stop: number }> {
  const { rows } = await client.query<StoredReading>(
    `select r.kafka_offset::pg_catalog.float8 as "offset", r.series,
       (extract(epoch from r.at) * 1000000)::pg_catalog.float8 as at_micros, r.value
     from public.readings r
     where r.stream_id = $1 and r.kafka_partition = $2 and r.kafka_offset >= $3 and r.kafka_offset < $4
       and r.series = any($5) and r.value is not null
     order by r.kafka_offset, r.at limit $6`,
    [streamId, partition, start, stop, [...series], pageReadings + 1],
  );
  const last = rows.at(-1);
  if (rows.length <= pageReadings || !last) return { rows, stop };
  // The last record may have more readings than were read.
  const whole = rows.filter(({ offset }) => offset < last.offset);
  return whole.length > 0
    ? { rows: whole, stop: last.offset }
    : readOffsets(
        client,
        { streamId, partition },
        { start: last.offset, stop: last.offset + 1 },
        series,
      );
}
