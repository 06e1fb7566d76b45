import type { datasetKinds } from '../contracts/sources.ts';
import type { Queryable } from '../runtime/catalogue.ts';
import { config } from '../runtime/config.ts';

/** A table, view or materialized view of a source that our role may read, as the database has it now. */
export interface SourceDataset {
  /**
   * `table`, or `schema.table` outside the schema public. A part with a dot in it, or a quote at its beginning,
   * stands between quotes, as in SQL: no two datasets have one name.
   */
  name: string;
  oid: number;
  schema: string;
  relation: string;
  kind: (typeof datasetKinds)[number];
  /** Its rows are on pages of this server: those of views and foreign tables are not. */
  hasPages: boolean;
  columns: SourceColumn[];
  /** The name of the table of which it is a partition. */
  partitionOf?: string;
  /** Its database has a byte for each character (LATIN1, say), and no full-width forms. */
  singleByte?: true;
  /** Of its base type: a moment that divides its rows need not be a value of the domain. */
  timeColumn: SourceColumn | null;
}

export interface SourceColumn {
  name: string;
  /** As PostgreSQL writes it, with modifiers: `numeric(12,2)`. */
  type: string;
  /** The type behind its domains, and behind those of its elements: what its values are. */
  base: string;
  /** What row_to_json makes of a value whose type does not say: of a composite one, or one with a cast of its own. */
  inJson?: 'object' | 'any';
  nullable: boolean;
  /** It has this value in every row, and is no column of the dataset. */
  constant?: string;
}

const kinds: ReadonlyMap<string, SourceDataset['kind']> = new Map([
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

const spelled = (part: string): string =>
  `case when ${part}::text ~ '[.]|^"' then '"' || pg_catalog.replace(${part}::text, '"', '""') || '"' else ${part}::text end`;

const spelledWhole = (schema: string, relation: string): string =>
  `case when ${schema} = 'public' then '' else ${spelled(schema)} || '.' end || ${spelled(relation)}`;

/** Tables, partitions among them, views and materialized views of which we may read something. */
const readable = `
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  cross join lateral (select ${spelledWhole('n.nspname', 'c.relname')} as name) named
  where c.relkind in ('r', 'p', 'v', 'm', 'f')
    and n.nspname <> 'information_schema' and n.nspname::text not like 'pg\\_%'
    and pg_catalog.has_schema_privilege(n.oid, 'usage') and pg_catalog.has_any_column_privilege(c.oid, 'select')`;

/** Partitions behind all that is whole. */
const order = `order by c.relispartition, n.nspname <> 'public', n.nspname, c.relname`;

/**
 * A domain may be over another, over an array, and an array of domains over arrays: `behind` goes as far as there
 * are any. An extension may have a cast to JSON (hstore, geometry), which row_to_json uses. A name is compared by
 * its bytes: it may have characters that the database has no bytes for.
 */
const discover = `
  with recursive step as (
    select oid as type, typbasetype as next, typtypmod as modifier, '' as brackets from pg_type where typtype = 'd'
    union all select typarray, oid, -1, '[]' from pg_type where typtype = 'd' and typarray <> 0
  ), behind as (
    select type, next, modifier, brackets from step
    union all
    select b.type, s.next, s.modifier, b.brackets || s.brackets from behind b join step s on s.type = b.next
  ), base as (
    select * from behind b where not exists (select from step s where s.type = b.next)
  ), timed as materialized (
    select t.oid as type from pg_catalog.pg_type t left join base b on b.type = t.oid
    where coalesce(b.next, t.oid) in ('date'::pg_catalog.regtype, 'timestamp'::pg_catalog.regtype, 'timestamptz'::pg_catalog.regtype)
  ), found as (
    select c.oid, named.name, n.nspname, c.relname, c.relkind, c.relispartition ${readable}
      and ($1::bytea is null or pg_catalog.convert_to(named.name, 'UTF8') = $1) and ($2::oid[] is null or c.oid = any($2))
  )
  select c.oid, c.name, c.nspname as schema, c.relname as relation, c.relkind as kind,
    (select ${spelledWhole('pn.nspname', 'p.relname')} from pg_inherits i join pg_class p on p.oid = i.inhparent
      join pg_namespace pn on pn.oid = p.relnamespace where i.inhrelid = c.oid and c.relispartition) as partition_of,
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
  group by c.oid, c.name, c.nspname, c.relname, c.relkind, c.relispartition`;

/** The dataset of that name as the database has it now; undefined if there is none that we may read. */
export async function readDataset(
  client: Queryable,
  source: string,
  name: string,
): Promise<SourceDataset | undefined> {
  const { rows } = await client.query<Row>(discover, [Buffer.from(name), null, false]);
  return datasetsOf(rows, source)[0];
}

/** Those of these object ids, in no order, with their columns or only with those that are times. */
export async function readDatasets(
  client: Queryable,
  source: string,
  oids: readonly number[],
  columns: 'all columns' | 'times',
): Promise<SourceDataset[]> {
  if (oids.length === 0) return [];
  const { rows } = await client.query<Row>(discover, [null, oids, columns === 'times']);
  return datasetsOf(rows, source);
}

/** What there is of a dataset without looking at its columns. */
export interface Listed {
  oid: number;
  name: string;
  /** How many it has or had: what is to be sent of it is no more. */
  columns: number;
  /** By the statistics of the database. */
  rows: number;
}

/** All of them: the whole first, then the partitions. */
export async function listDatasets(client: Queryable): Promise<Listed[]> {
  const { rows } = await client.query<Listed>(
    `select c.oid, named.name, c.relnatts::integer as columns, greatest(c.reltuples, 0)::float8 as rows
     ${readable} ${order}`,
  );
  return rows;
}

/** The first names of a source, to choose from. */
export async function namesOfDatasets(client: Queryable, most: number): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select named.name ${readable} ${order} limit $1`,
    [most],
  );
  return rows.map(({ name }) => name);
}

const datasetsOf = (rows: readonly Row[], source: string): SourceDataset[] =>
  rows.flatMap((row) => {
    const kind = kinds.get(row.kind);
    return kind ? [toDataset(row, kind, source)] : [];
  });

function toDataset(
  { oid, name, schema, relation, columns, kind: relkind, single_byte, partition_of }: Row,
  kind: SourceDataset['kind'],
  source: string,
): SourceDataset {
  const configured = config().sources.get(source)?.timeColumns.get(name);
  const timed = columns.filter(({ base }) => timeTypes.test(base));
  const found =
    configured === undefined ? timed[0] : timed.find((column) => column.name === configured);
  const timeColumn = found ? { ...found, type: found.base } : null;
  return {
    name,
    oid,
    schema,
    relation,
    kind,
    hasPages: kind !== 'view' && relkind !== 'f',
    columns,
    timeColumn,
    ...(partition_of === null ? {} : { partitionOf: partition_of }),
    ...(single_byte ? { singleByte: true } : {}),
  };
}
