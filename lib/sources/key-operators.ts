import type { Queryable } from '../runtime/catalogue.ts';
import type { SourceDataset } from './datasets.ts';
import type { Key, RangeOperators } from './key-ranges.ts';

interface Row extends RangeOperators {
  name: string;
}

/**
 * The leading column of the primary key and the operators of the class that sorts its index; rows with equal values
 * are in the same range. Operators of an extension may be in any schema: an unqualified `<` could be that of another
 * type to which a value can be cast, with another order.
 */
const leadingColumnSql = `
  select a.attname as name, less.spelled as less, least.spelled as least
  from pg_index i
  join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
  join pg_opclass c on c.oid = i.indclass[0]
  cross join lateral (
    select pg_catalog.format('OPERATOR(%I.%s)', n.nspname, o.oprname) as spelled
    from pg_amop m join pg_operator o on o.oid = m.amopopr join pg_namespace n on n.oid = o.oprnamespace
    where m.amopfamily = c.opcfamily and m.amopstrategy = 1 and m.amoppurpose = 's'
      and m.amoplefttype = c.opcintype and m.amoprighttype = c.opcintype) less
  cross join lateral (
    select pg_catalog.format('OPERATOR(%I.%s)', n.nspname, o.oprname) as spelled
    from pg_amop m join pg_operator o on o.oid = m.amopopr join pg_namespace n on n.oid = o.oprnamespace
    where m.amopfamily = c.opcfamily and m.amopstrategy = 4 and m.amoppurpose = 's'
      and m.amoplefttype = c.opcintype and m.amoprighttype = c.opcintype) least
  where i.indrelid = $1 and i.indisprimary`;

/** Returns the key by which a table can be divided, null without a primary key or if its leading column is unreadable. */
export async function leadingKey(client: Queryable, dataset: SourceDataset): Promise<Key | null> {
  const { rows } = await client.query<Row>(leadingColumnSql, [dataset.oid]);
  const [found] = rows;
  const column = dataset.columns.find(
    ({ name, policy }) => name === found?.name && policy === undefined,
  );
  if (!found || !column) return null;
  return { column, operators: { less: found.less, least: found.least } };
}
