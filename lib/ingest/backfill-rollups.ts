import { isFinite, replaceRollup, rollupOfMinutes, rollupOfReadings } from './rollups.ts';
import { writerTransaction } from './writer.ts';

/** Hours of the next slice: short at first, doubled while a slice takes less than `quickMs`. */
let sliceHours = 1;
const maxSliceHours = 24;
const quickMs = 100;

/**
 * Computes rollups of readings that were in the store before ingest (those of the demo data), the newest month first,
 * for about `milliseconds`. The table rollup_backfills has what is left.
 */
export async function backfillRollups(milliseconds: number): Promise<void> {
  const end = performance.now() + milliseconds;
  for (;;) {
    const startedAt = performance.now();
    if (startedAt >= end || !(await backfillSlice(sliceHours))) return;
    sliceHours = nextSliceHours(sliceHours, performance.now() - startedAt);
  }
}

/** Returns the hours of the next slice, a whole number: PostgreSQL has no intervals of other ones. */
export const nextSliceHours = (hours: number, milliseconds: number): number =>
  milliseconds < quickMs ? Math.min(maxSliceHours, hours * 2) : Math.max(1, Math.floor(hours / 2));

/** Computes the rollups of some whole hours. Returns false if nothing is left, or another process does it. */
function backfillSlice(hours: number): Promise<boolean> {
  return writerTransaction(async (client) => {
    const { rows } = await client.query<{ partition: string; from: Date; to: Date }>(
      `select partition, next_at as "from", least(until, next_at + make_interval(hours => $1)) as "to"
       from public.rollup_backfills where next_at < until
       order by until desc limit 1 for update skip locked`,
      [hours],
    );
    const [slice] = rows;
    if (!slice) return false;
    const range = [slice.from, slice.to];
    // The same order as in lockSeries.
    await client.query(
      `select from public.series s where exists (select from public.readings r
         where r.series = s.series and r.at >= $1 and r.at < $2)
       order by s.series collate "C" for no key update`,
      range,
    );
    await client.query(
      `insert into public.readings_1m (series, at, min, max, sum, last, last_at, count)
       select series, date_bin('1 minute', at, 'epoch') as minute, ${rollupOfReadings}
       from public.readings where at >= $1 and at < $2 and ${isFinite}
       group by series, minute ${replaceRollup}`,
      range,
    );
    await client.query(
      `insert into public.readings_1h (series, at, min, max, sum, last, last_at, count)
       select m.series, date_bin('1 hour', at, 'epoch') as hour, ${rollupOfMinutes}
       from public.series s join public.readings_1m m on m.series = s.series
       where at >= $1 and at < $2 group by m.series, hour ${replaceRollup}`,
      range,
    );
    await client.query('update public.rollup_backfills set next_at = $2 where partition = $1', [
      slice.partition,
      slice.to,
    ]);
    return true;
  });
}
