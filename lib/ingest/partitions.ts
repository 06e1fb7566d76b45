import type { PoolClient } from 'pg';
import { errorCode } from '../runtime/errors.ts';
import { logger } from '../runtime/logger.ts';
import { writerTransaction } from './writer.ts';

/** Months after the current one whose partitions exist. */
const monthsAhead = 2;

/** A month of the default partition with this many readings gets a partition of its own. */
const maxInDefault = 10_000;

/**
 * DDL waits for the readers of the table, and later statements wait for the DDL. So it gives up soon; the next pass tries
 * again.
 */
const lockMs = 500;

/** Runs DDL. Returns undefined if readers of the table were in the way. */
export async function runDdl<T>(work: (client: PoolClient) => Promise<T>): Promise<T | undefined> {
  try {
    return await writerTransaction(async (client) => {
      await client.query(`set local lock_timeout = ${lockMs}`);
      return work(client);
    });
  } catch (error) {
    if (errorCode(error) !== lockNotAvailable) throw error;
    logger.info('readings: the table is in use, partitions stay as they are');
    return undefined;
  }
}

/** SQLSTATE */
const lockNotAvailable = '55P03';

/** Creates the missing partitions of this month and the next ones. */
export async function createPartitionsAhead(): Promise<void> {
  await runDdl((client) =>
    client.query(
      `select public.readings_create_partition((now() at time zone 'UTC' + ahead * interval '1 month')::date)
       from generate_series(0, $1::integer) as ahead`,
      [monthsAhead],
    ),
  );
}

/** Moves a month with many readings out of the default partition, one month a call. */
export async function divideDefaultPartition(): Promise<void> {
  const moved = await runDdl(async (client) => {
    const { rows } = await client.query<{ month: string }>(
      `with recursive months as (
         select date_trunc('month', min(at), 'UTC') as start from public.readings_other
         union all
         select (select date_trunc('month', min(at), 'UTC') from public.readings_other
           where at >= start + interval '1 month')
         from months where start is not null
       )
       select to_char(start at time zone 'UTC', 'YYYY-MM-DD') as month from months
       where $1 <= (select count(*) from (select from public.readings_other
         where at >= start and at < start + interval '1 month' limit $1) counted)
       limit 1`,
      [maxInDefault],
    );
    const [full] = rows;
    if (!full) return undefined;
    await client.query('select public.readings_create_partition($1)', [full.month]);
    return full.month;
  });
  if (moved !== undefined) logger.info('readings: month divided from the rest', { month: moved });
}
