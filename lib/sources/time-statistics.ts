import type { Queryable } from '../runtime/catalogue.ts';
import type { SourceColumn, SourceDataset } from './datasets.ts';

/** What the planner knows of a time column of a table. Times are as PostgreSQL writes them. */
export interface TimeStatistics {
  rows: number;
  /** The share of the rows that have no time. */
  nulls: number;
  /** Times that many rows have, and the share of the rows that have each. */
  values: readonly string[];
  shares: readonly number[];
  /** In ascending order; between each two of them are about as many of the other rows. */
  bounds: readonly string[];
}

interface Row extends TimeStatistics {
  /** Of a table with all its partitions and children, not of one of them. */
  whole: boolean;
  /** It has rows, and no statistics that we may see. */
  unknown: boolean;
  known: boolean;
}

/**
 * Of a table and of all that belongs to it (partitions, children) each that has rows of its own; then what
 * ANALYZE made of them together, which nothing keeps current.
 * https://www.postgresql.org/docs/current/view-pg-stats.html
 */
const statistics = `
  with recursive family as (
    select c.oid from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = $1 and c.relname = $2
    union
    select i.inhrelid from family f join pg_catalog.pg_inherits i on i.inhparent = f.oid
  ), members as (
    select c.oid, c.relkind, n.nspname, c.relname, greatest(c.reltuples, 0)::pg_catalog.float8 as rows
    from family f join pg_catalog.pg_class c on c.oid = f.oid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'm', 'f')
  ), known as (
    select schemaname, tablename, inherited, null_frac::pg_catalog.float8 as nulls,
      coalesce(most_common_vals::pg_catalog.text::pg_catalog.text[], '{}') as values,
      coalesce(most_common_freqs::pg_catalog.float8[], '{}') as shares,
      coalesce(histogram_bounds::pg_catalog.text::pg_catalog.text[], '{}') as bounds
    from pg_catalog.pg_stats where attname = $3
  )
  select false as whole, m.rows, k.nulls, k.values, k.shares, k.bounds, k.nulls is not null as known,
    case when k.nulls is null then m.relkind = 'f' or pg_catalog.pg_relation_size(m.oid) > 0 else false end as unknown
  from members m left join known k
    on k.schemaname = m.nspname and k.tablename = m.relname and not k.inherited
  union all
  select true, (select pg_catalog.sum(rows) from members), nulls, values, shares, bounds, true, false
  from known where schemaname = $1 and tablename = $2 and inherited`;

/** It reads the database's catalogue alone; what takes longer waits for somebody's lock. */
const timeoutMilliseconds = 500;

/**
 * The statistics of a dataset's time column, of each of its parts where they have their own; null if there
 * are none. `complete`: they tell of all parts.
 */
export async function readTimeStatistics(
  client: Queryable,
  { schema, relation }: SourceDataset,
  column: SourceColumn,
): Promise<{ parts: TimeStatistics[]; complete: boolean } | null> {
  await client.query(`set local statement_timeout = ${timeoutMilliseconds}`);
  const { rows } = await client.query<Row>(statistics, [schema, relation, column.name]);
  const own = rows.filter(({ whole, known }) => known && !whole);
  if (!rows.some(({ unknown }) => unknown)) return { parts: own, complete: true };
  const whole = rows.filter((row) => row.whole);
  if (whole.length > 0) return { parts: whole, complete: true };
  return own.length > 0 ? { parts: own, complete: false } : null;
}
