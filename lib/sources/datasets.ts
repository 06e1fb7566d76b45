import type { datasetKinds } from '../contracts/sources.ts';
import type { Queryable } from '../runtime/catalogue.ts';
import { config } from '../runtime/config.ts';

/** A table, view or materialized view of a source that the role of its URL may read, in its current form. */
export interface SourceDataset {
  /**
   * `table`, or `schema.table` outside the schema public. A name that contains a dot or begins with a quote is
   * quoted, as in SQL, so that no two datasets share a name.
   */
  name: string;
  oid: number;
  schema: string;
  relation: string;
  kind: (typeof datasetKinds)[number];
  /** This server stores its rows on pages; false for views and foreign tables. */
  hasPages: boolean;
  columns: SourceColumn[];
  /** The name of the partitioned table, if it is a partition. */
  partitionOf?: string;
  /** The encoding of its database has one byte a character (LATIN1, for example), so no full-width forms. */
  singleByte?: true;
  /** With its base type: a timestamp that divides the rows need not be a value of the domain. */
  timeColumn: SourceColumn | null;
  /** What a grant leaves of it. Absent: all rows, with the columns as they are. */
  permission?: Permission;
}

/** The rows and columns of a dataset that an account may read, as SQL in which the relation is `r`. */
interface Permission {
  /** The list of its columns, for SELECT. */
  columns: string;
  /** The condition that rows have to meet; null: all rows. */
  rows: string | null;
}

export interface SourceColumn {
  name: string;
  /** As PostgreSQL writes the type, with modifiers: `numeric(12,2)`. */
  type: string;
  /** The base type of its domains and of the domains of its elements. */
  base: string;
  /** The JSON that row_to_json writes: an object for a composite type, anything for a type with its own cast to JSON. */
  inJson?: 'object' | 'any';
  nullable: boolean;
  /** What a grant does to its values: then it is in no filter, order or key. */
  policy?: 'mask' | 'hash';
  /** Set if the column is not in the dataset: this is its value in every row. */
  constant?: string;
}

const kindByRelkind: ReadonlyMap<string, SourceDataset['kind']> = new Map([
  ['r', 'table'],
  ['p', 'table'],
  ['f', 'table'],
  ['v', 'view'],
  ['m', 'materialized_view'],
]);

const timeTypes = /^(date|timestamp(\(\d\))? with(out)? time zone)$/;

interface Row {
  oid: number;
  name: string;
  schema: string;
  relation: string;
  kind: string;
  columns: SourceColumn[];
  single_byte: boolean;
  partition_of: string | null;
}

const quotedIfNeeded = (name: string): string =>
  `case when ${name}::text ~ '[.]|^"' then '"' || pg_catalog.replace(${name}::text, '"', '""') || '"' else ${name}::text end`;

const datasetName = (schema: string, relation: string): string =>
  `case when ${schema} = 'public' then '' else ${quotedIfNeeded(schema)} || '.' end || ${quotedIfNeeded(relation)}`;

/** The bytes of a text in UTF-8, as hexadecimal digits. https://www.rfc-editor.org/rfc/rfc3629#section-4 */
const bytesOfUtf8 = `^([0-7].|(c[2-9a-f]|d.)[89ab].|(e0[ab].|e[1-9a-cef][89ab].|ed[89].)[89ab].|(f0[9ab].|f[1-3][89ab].|f48.)([89ab].){2})*$`;

/**
 * A database in SQL_ASCII stores names of any bytes. A name that is not valid UTF-8 cannot be part of an answer, and
 * PostgreSQL would fail the whole query for it, so relations with such a name are left out.
 */
const isUtf8 = (name: string): string =>
  `(pg_catalog.getdatabaseencoding() <> 'SQL_ASCII'
    or pg_catalog.encode(pg_catalog.convert_to(${name}, 'SQL_ASCII'), 'hex') ~ '${bytesOfUtf8}')`;

/** Tables, partitions included, views and materialized views with a column that the role may read. */
const fromReadable = `
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  cross join lateral (select ${datasetName('n.nspname', 'c.relname')} as name) named
  where c.relkind in ('r', 'p', 'v', 'm', 'f')
    and n.nspname <> 'information_schema' and n.nspname::text not like 'pg\\_%'
    and pg_catalog.has_schema_privilege(n.oid, 'usage') and pg_catalog.has_any_column_privilege(c.oid, 'select')
    and ${isUtf8('named.name')}`;

/** Partitions come last. */
const order = `order by c.relispartition, n.nspname <> 'public', n.nspname, c.relname`;

/**
 * `unwrapped` resolves domains over domains, domains over arrays and arrays of those, at any depth. row_to_json uses
 * the cast to JSON that an extension may define (hstore, geometry). A requested name is compared by its bytes,
 * because the encoding of the database may lack its characters.
 */
const datasetsSql = `
  with recursive step as (
    select oid as type, typbasetype as next, typtypmod as modifier, '' as brackets from pg_type where typtype = 'd'
    union all select typarray, oid, -1, '[]' from pg_type where typtype = 'd' and typarray <> 0
  ), unwrapped as (
    select type, next, modifier, brackets from step
    union all
    select b.type, s.next, s.modifier, b.brackets || s.brackets from unwrapped b join step s on s.type = b.next
  ), base as (
    select * from unwrapped b where not exists (select from step s where s.type = b.next)
  ), timed as materialized (
    select t.oid as type from pg_catalog.pg_type t left join base b on b.type = t.oid
    where coalesce(b.next, t.oid) in ('date'::pg_catalog.regtype, 'timestamp'::pg_catalog.regtype, 'timestamptz'::pg_catalog.regtype)
  ), found as (
    select c.oid, named.name, n.nspname, c.relname, c.relkind, c.relispartition ${fromReadable}
      and ($1::bytea is null or pg_catalog.convert_to(named.name, case pg_catalog.getdatabaseencoding() when 'SQL_ASCII' then 'SQL_ASCII' else 'UTF8' end) = $1) and ($2::oid[] is null or c.oid = any($2))
  )
  select c.oid, c.name, c.nspname as schema, c.relname as relation, c.relkind as kind,
    (select ${datasetName('pn.nspname', 'p.relname')} from pg_inherits i join pg_class p on p.oid = i.inhparent
      join pg_namespace pn on pn.oid = p.relnamespace where i.inhrelid = c.oid and c.relispartition
        and ${isUtf8('pg_catalog.concat(pn.nspname, p.relname)')}) as partition_of,
    coalesce(pg_catalog.json_agg(pg_catalog.json_strip_nulls(pg_catalog.json_build_object(
      'name', a.attname, 'type', pg_catalog.format_type(a.atttypid, a.atttypmod), 'nullable', not a.attnotnull,
      'base', case when b.type is null then pg_catalog.format_type(a.atttypid, a.atttypmod) else pg_catalog.format_type(b.next, b.modifier) || b.brackets end,
      'inJson', case when b.brackets <> '' then null when t.typtype = 'c' then 'object' when exists (
        select from pg_cast where castsource = t.oid and casttarget = 'json'::regtype and castmethod = 'f' and t.oid >= 16384
      ) then 'any' end
    )) order by a.attnum) filter (where t.oid is not null), '[]') as columns,
    (select pg_catalog.pg_encoding_max_length(encoding) = 1 from pg_database where datname = pg_catalog.current_database()) as single_byte
  from found c
  left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    and (not $3 or a.atttypid in (select type from timed))
    and pg_catalog.has_column_privilege(c.oid, a.attnum, 'select')
  left join base b on b.type = a.atttypid
  left join pg_type t on t.oid = coalesce(b.next, a.atttypid)
  group by c.oid, c.name, c.nspname, c.relname, c.relkind, c.relispartition
  having pg_catalog.bool_and(${isUtf8(`pg_catalog.concat(a.attname, pg_catalog.format_type(a.atttypid, -1), pg_catalog.format_type(b.next, -1))`)})`;

/** Returns the dataset of a name in its current form, undefined if the role can read none of that name. */
export async function readDataset(
  client: Queryable,
  source: string,
  name: string,
): Promise<SourceDataset | undefined> {
  const { rows } = await client.query<Row>(datasetsSql, [Buffer.from(name), null, false]);
  return datasetsOf(rows, source)[0];
}

/** Returns the datasets of these object ids, unordered, with all columns or only with time columns. */
export async function readDatasets(
  client: Queryable,
  source: string,
  oids: readonly number[],
  columns: 'all columns' | 'times',
): Promise<SourceDataset[]> {
  if (oids.length === 0) return [];
  const { rows } = await client.query<Row>(datasetsSql, [null, oids, columns === 'times']);
  return datasetsOf(rows, source);
}

/** A dataset without its columns. */
export interface ListedDataset {
  oid: number;
  name: string;
  /** Number of columns, dropped ones included: an upper bound of what is sent. */
  columns: number;
  /** Estimate from the statistics of the database. */
  rows: number;
}

/**
 * The datasets whose rows a dataset shows: the tables that it is a partition or a child of, its own partitions and
 * children, and what a view reads, in any depth. What a function reads is not known.
 */
const relatedSql = `
  with recursive related as (
    select o.oid as start, o.oid, 'any' as direction from unnest($1::oid[]) o(oid)
    union
    select r.start, next.oid, next.direction from related r cross join lateral (
      select i.inhparent as oid, 'up' as direction from pg_inherits i
      where i.inhrelid = r.oid and r.direction <> 'down'
      union all
      select i.inhrelid, 'down' from pg_inherits i where i.inhparent = r.oid and r.direction <> 'up'
      union all
      select d.refobjid, 'any' from pg_rewrite w
      join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid
        and d.refclassid = 'pg_class'::regclass and d.refobjid <> r.oid
      where w.ev_class = r.oid
    ) next
  )
  select r.start, pg_catalog.json_agg(distinct named.name) as names
  from related r join pg_class c on c.oid = r.oid join pg_namespace n on n.oid = c.relnamespace
  cross join lateral (select ${datasetName('n.nspname', 'c.relname')} as name) named
  where r.oid <> r.start and ${isUtf8('named.name')} group by r.start`;

/** Returns the names of the datasets whose rows these datasets show, by object id. */
export async function readRelatedNames(
  client: Queryable,
  oids: readonly number[],
): Promise<Map<number, string[]>> {
  const { rows } = await client.query<{ start: number; names: string[] }>(relatedSql, [oids]);
  return new Map(rows.map(({ start, names }) => [start, names]));
}

/** Returns all datasets that the role can read, partitions last. */
export async function listDatasets(client: Queryable): Promise<ListedDataset[]> {
  const { rows } = await client.query<ListedDataset>(
    `select c.oid, named.name, c.relnatts::integer as columns, greatest(c.reltuples, 0)::float8 as rows
     ${fromReadable} ${order}`,
  );
  return rows;
}

/** Returns the first `max` names of datasets of a source. */
export async function namesOfDatasets(client: Queryable, max: number): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select named.name ${fromReadable} ${order} limit $1`,
    [max],
  );
  return rows.map(({ name }) => name);
}

const datasetsOf = (rows: readonly Row[], source: string): SourceDataset[] =>
  rows.flatMap((row) => {
    const kind = kindByRelkind.get(row.kind);
    return kind ? [toDataset(row, kind, source)] : [];
  });

/** Returns the time column of a dataset with these columns: the configured one, or the first of a time type. */
export function timeColumnOf(
  source: string,
  dataset: string,
  columns: readonly SourceColumn[],
): SourceColumn | null {
  const configured = config().sources.get(source)?.timeColumns.get(dataset);
  const timeColumns = columns.filter(({ base }) => timeTypes.test(base));
  const column =
    configured === undefined
      ? timeColumns[0]
      : timeColumns.find((candidate) => candidate.name === configured);
  return column ? { ...column, type: column.base } : null;
}

function toDataset(
  { oid, name, schema, relation, columns, kind: relkind, single_byte, partition_of }: Row,
  kind: SourceDataset['kind'],
  source: string,
): SourceDataset {
  return {
    name,
    oid,
    schema,
    relation,
    kind,
    hasPages: kind !== 'view' && relkind !== 'f',
    columns,
    timeColumn: timeColumnOf(source, name, columns),
    ...(partition_of === null ? {} : { partitionOf: partition_of }),
    ...(single_byte ? { singleByte: true } : {}),
  };
}
