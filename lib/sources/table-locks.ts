import type pg from 'pg';
import { codeOf } from '../runtime/errors.ts';
import { countRowsWithoutTime, type Selection, selectRows } from './query.ts';

/**
 * What keeps rows from being truncated or rewritten while they are read: the locks that reading them takes. LOCK
 * TABLE would want the right to all of a table, that of a view's owner to all below it, and would take every
 * partition, the wanted and the others.
 */
export const holding = (selection: Selection): string =>
  selectRows({
    ...selection,
    columns: selection.columns.filter(({ constant }) => constant === undefined),
    pages: undefined,
    ordered: false,
    limit: 0,
  });

/**
 * Of the relations that this transaction has locked: is each the one that its snapshot knows? SQL reads the catalogue
 * as the snapshot has it, the functions on it as it is now. A TRUNCATE, a REFRESH and an ALTER that rewrites leave
 * another file; of partitions the same have to be there. Of the columns: `$1` names, `$2` numbers, `$3` types, `$4`
 * modifiers, as the statement gave them.
 */
const unchanged = `
  with recursive held as (
    select l.relation, c.relkind, c.relispartition, c.relfilenode
    from pg_locks l left join pg_class c on c.oid = l.relation
    where l.pid = pg_backend_pid() and l.locktype = 'relation' and l.mode = 'AccessShareLock'
      and l.database = (select oid from pg_database where datname = current_database()) and l.relation >= 16384
  ), part as (
    select i.inhrelid, h.relation as parent from held h join pg_inherits i on i.inhparent = h.relation where h.relkind = 'p'
    union
    select i.inhrelid, p.parent from part p join pg_inherits i on i.inhparent = p.inhrelid
  )
  select not exists (
      select from held where relkind is null
        or (relkind in ('r', 'm') and relfilenode is distinct from pg_relation_filenode(relation))
        or (relkind in ('r', 'p') and relispartition <> (coalesce(pg_partition_root(relation), relation) <> relation)))
    and not exists (
      select from part where pg_partition_root(inhrelid) is distinct from pg_partition_root(parent))
    and not exists (
      select from unnest($1::text[], $2::integer[], $3::oid[], $4::integer[]) f(name, number, type, modifier)
      left join pg_attribute a on a.attrelid = $5 and a.attname = f.name and a.attnum = f.number and not a.attisdropped
      left join pg_type t on t.oid = a.atttypid
      where t.oid is null or (t.typtype <> 'd' and (t.oid, a.atttypmod) <> (f.type, f.modifier))) as unchanged`;

/**
 * Locks what a selection reads, in a transaction whose snapshot has been taken: the lock may have been waited for,
 * and what it was waited for may have changed what the snapshot knows. Returns whether it has not; after that
 * nothing can, until the transaction ends. If not, the transaction is of no use.
 */
export async function hold(client: pg.ClientBase, selection: Selection): Promise<boolean> {
  try {
    const { fields } = await client.query(holding(selection));
    const count = countRowsWithoutTime(selection);
    if (count !== null) await client.query(`explain ${count}`);
    const { rows } = await client.query<{ unchanged: boolean }>(unchanged, [
      fields.map(({ name }) => name),
      fields.map(({ columnID }) => columnID),
      fields.map(({ dataTypeID }) => dataTypeID),
      fields.map(({ dataTypeModifier }) => dataTypeModifier),
      selection.dataset.oid,
    ]);
    return rows[0]?.unchanged === true;
  } catch (error) {
    // A column or a table that the snapshot knows, and that is not there any more.
    if (/^42(703|P01|704)$/.test(codeOf(error) ?? '')) return false;
    throw error;
  }
}
