import { logger } from '../runtime/logger.ts';
import { runDdl } from './partitions.ts';
import { writer } from './writer.ts';

/** Rows that one pass deletes of a table. */
const batchSize = 5_000;

/**
 * Deletes the readings and rollups of the months that ended before the retention: their partitions are
 * dropped; rows that are in no partition of their own are deleted in batches.
 */
export async function deleteExpired(retentionDays: number): Promise<void> {
  const dropped = await runDdl((client) =>
    client.query<{ name: string }>(
      `select name from public.readings_drop_partitions(${keptSince('$1')}) as name`,
      [retentionDays],
    ),
  );
  const names = dropped?.rows.map(({ name }) => name) ?? [];
  if (names.length > 0) logger.info('readings: partitions dropped', { partitions: names });
  await writer().query(
    `delete from public.readings r using (
       select series, at from public.readings where at < ${keptSince('$1')} limit $2) old
     where r.series = old.series and r.at = old.at`,
    [retentionDays, batchSize],
  );
  for (const table of ['readings_1m', 'readings_1h'])
    await writer().query(
      `delete from public.${table} r using (
         select old.series, old.at from public.series s cross join lateral (
           select series, at from public.${table} t
           where t.series = s.series and t.at < ${keptSince('$1')} order by t.at limit $2) old
         limit $2) old
       where r.series = old.series and r.at = old.at`,
      [retentionDays, batchSize],
    );
}

/** The beginning of the oldest month that has a day within the retention. */
const keptSince = (days: string): string =>
  `date_trunc('month', now() - make_interval(days => ${days}), 'UTC')`;
