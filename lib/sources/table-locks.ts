import type pg from 'pg';
import { errorCode } from '../runtime/errors.ts';
import { countRowsWithoutTimeSql, type Selection, selectRows } from './query.ts';

/**
 * Returns a query that reads no row and acquires the locks of reading the selection, which keep its rows from being
 * truncated or rewritten. LOCK TABLE would need a right to the whole table, and would also lock the relations below a
 * view and the partitions that are not selected.
 */
export const holding = (selection: Selection): string =>
  selectRows({
    ...selection,
    // A mask or hash is no column of the relation.
    columns: selection.columns.filter(
      ({ constant, policy }) => constant === undefined && policy === undefined,
    ),
    pages: undefined,
    ordered: false,
    limit: 0,
  });

/**
 * Returns whether the relations that this transaction has locked are those of its snapshot. SQL reads the catalogue of
 * the snapshot, but functions read the current one. TRUNCATE, REFRESH and an ALTER that rewrites create another file;
 * the partitions and the columns have to be the same. Columns are compared by the fields of the statement: `$1` names,
 * `$2` numbers, `$3` types, `$4` modifiers.
 */
const unchangedSql = `
  with recursive locked as (
    select l.relation, c.relkind, c.relispartition, c.relfilenode
    from pg_locks l left join pg_class c on c.oid = l.relation
    where l.pid = pg_backend_pid() and l.locktype = 'relation' and l.mode = 'AccessShareLock'
      and l.database = (select oid from pg_database where datname = current_database()) and l.relation >= 16384
  ), descendant as (
    select i.inhrelid, l.relation as parent from locked l join pg_inherits i on i.inhparent = l.relation where l.relkind = 'p'
    union
    select i.inhrelid, d.parent from descendant d join pg_inherits i on i.inhparent = d.inhrelid
  )
  select not exists (
      select from locked where relkind is null
        or (relkind in ('r', 'm') and relfilenode is distinct from pg_relation_filenode(relation))
        or (relkind in ('r', 'p') and relispartition <> (coalesce(pg_partition_root(relation), relation) <> relation)))
    and not exists (
      select from descendant where pg_partition_root(inhrelid) is distinct from pg_partition_root(parent))
    and not exists (
      select from unnest($1::text[], $2::integer[], $3::oid[], $4::integer[]) f(name, number, type, modifier)
      left join pg_attribute a on a.attrelid = $5 and a.attname = f.name and a.attnum = f.number and not a.attisdropped
      left join pg_type t on t.oid = a.atttypid
      where t.oid is null or (t.typtype <> 'd' and (t.oid, a.atttypmod) <> (f.type, f.modifier))) as unchanged`;

/**
 * Locks what a selection reads, in a transaction that already has its snapshot. Another transaction may have changed
 * the relations while this one waited for the lock. Returns true if they are unchanged: they stay so until the
 * transaction ends. If it returns false, the transaction cannot be used.
 */
export async function hold(client: pg.ClientBase, selection: Selection): Promise<boolean> {
  try {
    const { fields } = await client.query(holding(selection));
    const count = countRowsWithoutTimeSql(selection);
    if (count !== null) await client.query(`explain ${count}`);
    const { rows } = await client.query<{ unchanged: boolean }>(unchangedSql, [
      fields.map(({ name }) => name),
      fields.map(({ columnID }) => columnID),
      fields.map(({ dataTypeID }) => dataTypeID),
      fields.map(({ dataTypeModifier }) => dataTypeModifier),
      selection.dataset.oid,
    ]);
    return rows[0]?.unchanged === true;
  } catch (error) {
    // A column or a table of the snapshot was dropped.
    if (/^42(703|P01|704)$/.test(errorCode(error) ?? '')) return false;
    throw error;
  }
}
