import type { Queryable } from '../runtime/catalogue.ts';

/** Numbers by which an operator sees whether the readings store is in order. */
export interface StoreState {
  /** Readings of months without a partition; counted up to a million. */
  readingsInDefaultPartition: number;
  /** Whole months after the current one that have a partition: with 0, readings of the next month go to the default. */
  monthsAhead: number;
  /** Months from before ingest whose rollups the sweep has not finished. */
  monthsWithoutRollups: number;
}

const maxCounted = 1_000_000;

/** Reads them as the writer. */
export async function storeState(client: Queryable): Promise<StoreState> {
  const { rows } = await client.query<StoreState>(
    `select
       (select count(*) from (select from public.readings_other limit ${maxCounted}) counted)::int
         as "readingsInDefaultPartition",
       (select count(*) from generate_series(1, 12) ahead where to_regclass('public.' ||
         public.readings_partition_name((now() at time zone 'UTC' + ahead * interval '1 month')::date)) is not null)::int
         as "monthsAhead",
       (select count(*) from public.rollup_backfills where next_at < until)::int as "monthsWithoutRollups"`,
  );
  const [state] = rows;
  if (!state) throw new Error('the readings store has no state');
  return state;
}
