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
  schema: string;
  relation: string;
  kind: (typeof datasetKinds)[number];
  /** Whether LOCK TABLE takes it: tables and views, not materialized views and foreign tables. */
  lockable: boolean;
  columns: SourceColumn[];
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

const kinds: Record<string, SourceDataset['kind']> = {
  r: 'table',
  p: 'table',
  f: 'table',
  v: 'view',
  m: 'materialized_view',
};

const timeTypes = /^(date|timestamp(\(\d\))? with(out)? time zone)$/;

interface Row {
  name: string;
  schema: string;
  relation: string;
  kind: string;
  columns: SourceColumn[];
  single_byte: boolean;
}

const spelled = (part: string): string =>
  `case when ${part} ~ '[.]|^"' then '"' || replace(${part}, '"', '""') || '"' else ${part}::text end`;

/**
 * Partition children are read through their parent. A domain may be over another, over an array, and an
 * array of domains over arrays: `behind` goes as far as there are any. An extension may have a cast to
 * JSON (hstore, geometry), which row_to_json uses.
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
  )
  select named.name, n.nspname as schema, c.relname as relation, c.relkind as kind,
    json_agg(json_strip_nulls(json_build_object(
      'name', a.attname, 'type', format_type(a.atttypid, a.atttypmod), 'nullable', not a.attnotnull,
      'base', case when b.type is null then format_type(a.atttypid, a.atttypmod) else format_type(b.next, b.modifier) || b.brackets end,
      'inJson', case when b.brackets <> '' then null when t.typtype = 'c' then 'object' when exists (
        select from pg_cast where castsource = t.oid and casttarget = 'json'::regtype and castmethod = 'f' and t.oid >= 16384
      ) then 'any' end
    )) order by a.attnum) as columns,
    (select pg_encoding_max_length(encoding) = 1 from pg_database where datname = current_database()) as single_byte
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  cross join lateral (select case when n.nspname = 'public' then '' else ${spelled('n.nspname')} || '.' end
    || ${spelled('c.relname')} as name) named
  join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  left join base b on b.type = a.atttypid
  join pg_type t on t.oid = coalesce(b.next, a.atttypid)
  where c.relkind in ('r', 'p', 'v', 'm', 'f') and not c.relispartition
    and n.nspname <> 'information_schema' and n.nspname not like 'pg\\_%'
    and has_schema_privilege(n.oid, 'usage')
    and has_column_privilege(c.oid, a.attnum, 'select')
    and ($1::text is null or named.name = $1)
  group by named.name, n.nspname, c.oid, c.relname, c.relkind
  order by n.nspname <> 'public', n.nspname, c.relname`;

/** The datasets of a source, or the one of that name, read from the database now. */
export async function readDatasets(
  client: Queryable,
  source: string,
  name: string | null = null,
): Promise<SourceDataset[]> {
  const { rows } = await client.query<Row>(discover, [name]);
  return rows.flatMap((row) => {
    const kind = kinds[row.kind];
    return kind ? [toDataset(row, kind, source)] : [];
  });
}

function toDataset(
  { name, schema, relation, columns, kind: relkind, single_byte }: Row,
  kind: SourceDataset['kind'],
  source: string,
): SourceDataset {
  const configured = config().sources.get(source)?.timeColumns[name];
  const timed = columns.filter(({ base }) => timeTypes.test(base));
  const found =
    configured === undefined ? timed[0] : timed.find((column) => column.name === configured);
  const timeColumn = found ? { ...found, type: found.base } : null;
  const lockable = relkind === 'r' || relkind === 'p' || relkind === 'v';
  return {
    name,
    schema,
    relation,
    kind,
    lockable,
    columns,
    timeColumn,
    ...(single_byte ? { singleByte: true } : {}),
  };
}
