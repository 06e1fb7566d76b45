import type { Queryable } from '../runtime/catalogue.ts';
import type { SourceColumn, SourceDataset } from './datasets.ts';

/** The planner's statistics of a time column of a table. Times are as PostgreSQL writes them. */
export interface TimeStatistics {
  rows: number;
  /** The fraction of the rows that have no time. */
  nulls: number;
  /** Frequent times, and the fraction of the rows that each of them has. */
  values: readonly string[];
  shares: readonly number[];
  /** In ascending order. The other rows are divided about equally between them. */
  bounds: readonly string[];
}

interface Row extends TimeStatistics {
  /** The statistics are of a table with all its partitions and children, not of one of them. */
  whole: boolean;
  /** The table has rows, but no statistics that the role may read. */
  unknown: boolean;
  /** The table has statistics that the role may read. */
  known: boolean;
}

/**
 * Selects the statistics of a table and of its partitions and children, for each that has rows of its own; then those
 * of all of them together, which autovacuum does not keep current.
 * https://www.postgresql.org/docs/current/view-pg-stats.html
 */
const statisticsSql = `
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

/** The query reads only the database's catalogue; if it takes longer, it waits for a lock. */
const timeoutMs = 500;

/**
 * Returns the statistics of a dataset's time column, of each table that has rows if possible; null without statistics.
 * `complete`: they include all tables.
 */
export async function readTimeStatistics(
  client: Queryable,
  { schema, relation }: SourceDataset,
  column: SourceColumn,
): Promise<{ parts: TimeStatistics[]; complete: boolean } | null> {
  await client.query(`set local statement_timeout = ${timeoutMs}`);
  const { rows } = await client.query<Row>(statisticsSql, [schema, relation, column.name]);
  const ofTables = rows.filter(({ whole, known }) => known && !whole);
  if (!rows.some(({ unknown }) => unknown)) return { parts: ofTables, complete: true };
  const whole = rows.filter((row) => row.whole);
  if (whole.length > 0) return { parts: whole, complete: true };
  return ofTables.length > 0 ? { parts: ofTables, complete: false } : null;
}
