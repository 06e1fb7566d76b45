import type { Queryable } from '../runtime/catalogue.ts';
import type { SourceDataset } from './datasets.ts';

/** How the values of a column are compared: by the default operator class of its type, in whichever schema. */
export interface Comparison {
  /** The base type of its domains, for a cast: qualified, without modifiers, which would round or cut. */
  type: string;
  /** The column's type is a domain, so its values need a cast to `type`. */
  isCast: boolean;
  /** The column is an array. An array of arrays would be one with more dimensions. */
  isArray: boolean;
  /** The type or a component of it has no equality operator, so the column is compared by its text. */
  isByText: boolean;
  /** The type whose operators compare it: its own, or a binary-coercible one (text for varchar). */
  comparedAs: string;
  /** The schemas of these operators, by operator name. */
  schemas: Readonly<Record<string, string>>;
}

interface Row {
  name: string;
  type: string;
  is_cast: boolean;
  is_array: boolean;
  is_by_text: boolean;
  compared_as: string;
  schemas: Record<string, string> | null;
}

const typeName = (oid: string): string =>
  `(select pg_catalog.quote_ident(tn.nspname) operator(pg_catalog.||) '.' operator(pg_catalog.||) pg_catalog.quote_ident(tt.typname)
    from pg_catalog.pg_type tt join pg_catalog.pg_namespace tn on tn.oid = tt.typnamespace where tt.oid = ${oid})`;

/**
 * `unwrapped` resolves domains, and the domains of array elements if there is an array type of their base; an array
 * of domains over arrays stays as it is. `components` are the types that values of a type contain: all of them need
 * an equality operator. A type without its own operator class uses that of a binary-coercible type. Operators are
 * chosen by that class, because users may define others of the same name. LIKE belongs to no class; its operator is
 * the one in the schema of the type.
 * https://www.postgresql.org/docs/current/catalog-pg-opclass.html
 */
const comparisons = `
  with recursive unwrapped as (
    select a.attname as name, a.atttypid as own, a.atttypid as type, 0 as depth
    from pg_catalog.pg_attribute a
    join pg_catalog.pg_class c on c.oid = a.attrelid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = $1 and c.relname = $2 and a.attnum > 0 and a.attname = any($3::pg_catalog.name[])
    union all
    select b.name, b.own, case when t.typtype = 'd' then t.typbasetype else e.typarray end, b.depth + 1
    from unwrapped b
    join pg_catalog.pg_type t on t.oid = b.type
    left join pg_catalog.pg_type d on d.oid = t.typelem and t.typcategory = 'A' and d.typtype = 'd'
    left join pg_catalog.pg_type e on e.oid = d.typbasetype and e.typcategory <> 'A' and e.typarray <> 0
    where t.typtype = 'd' or e.typarray is not null
  ), base as (
    select distinct on (name) name, own, type from unwrapped order by name, depth desc
  ), components as (
    select name, type from base
    union
    select p.name, inner_types.type
    from components p
    join pg_catalog.pg_type t on t.oid = p.type
    cross join lateral (
      select t.typbasetype as type where t.typtype = 'd'
      union all
      select t.typelem where t.typcategory = 'A'
      union all
      select f.atttypid from pg_catalog.pg_attribute f
      where t.typtype = 'c' and f.attrelid = t.typrelid and f.attnum > 0 and not f.attisdropped
    ) inner_types
  ), classes as (
    select o.opcfamily as family, o.opcintype as type from pg_catalog.pg_opclass o
    join pg_catalog.pg_am m on m.oid = o.opcmethod
    where o.opcdefault and m.amname in ('btree', 'hash')
  ), comparable as materialized (
    select type, type as as_type from classes
    union
    select c.castsource, c.casttarget from pg_catalog.pg_cast c
    where c.castmethod = 'b' and c.castcontext = 'i' and c.casttarget in (select type from classes)
  ), compared as materialized (
    select b.name, b.own, b.type, t.typcategory = 'A' as is_array,
      coalesce((select k.as_type from comparable k where k.type = b.type
        order by k.as_type <> k.type, k.as_type limit 1), b.type) as as_type
    from base b join pg_catalog.pg_type t on t.oid = b.type
  )
  select q.name, ${typeName('q.type')} as type, q.type <> q.own as is_cast, q.is_array,
    exists (
      select from components p join pg_catalog.pg_type t on t.oid = p.type
      where p.name = q.name and t.typtype in ('b', 'p') and t.typcategory <> 'A'
        and t.oid not in (select type from comparable)
    ) as is_by_text,
    ${typeName('q.as_type')} as compared_as,
    (select pg_catalog.json_object_agg(found.oprname, found.nspname) from (
      select distinct on (o.oprname) o.oprname, n.nspname
      from pg_catalog.pg_operator o
      join pg_catalog.pg_namespace n on n.oid = o.oprnamespace
      join pg_catalog.pg_type t on t.oid = q.as_type
      where o.oprleft = q.as_type and o.oprright = q.as_type and (
        exists (select from pg_catalog.pg_amop m join classes c on c.family = m.amopfamily
          where m.amopopr = o.oid and c.type = q.as_type)
        or o.oprname in ('~~', '~~*') and o.oprnamespace = t.typnamespace)
      order by o.oprname, o.oid
    ) found) as schemas
  from compared q`;

/** Returns how the named columns are compared, by column name. */
export async function readComparisons(
  client: Queryable,
  { schema, relation }: SourceDataset,
  columns: readonly string[],
): Promise<Map<string, Comparison>> {
  if (columns.length === 0) return new Map();
  const { rows } = await client.query<Row>(comparisons, [schema, relation, columns]);
  return new Map(
    rows.map((row) => [
      row.name,
      {
        type: row.type,
        isCast: row.is_cast,
        isArray: row.is_array,
        isByText: row.is_by_text,
        comparedAs: row.compared_as,
        schemas: row.schemas ?? {},
      },
    ]),
  );
}
