import { sourceUrl, sql } from '../support/stack.ts';

/** A table of edge cases for readers, in several row groups, and a view of it that is exported in several units. */
export const schema = 'readers';
const source = sourceUrl('sales');

interface Column {
  name: string;
  /** How a value is compared; check.py uses the same names. */
  kind: string;
  value: string;
}

/** Returns an SQL expression that is NULL for rows 100 to 400 and for one of `every` rows. */
const someNull = (value: string, every: number): string =>
  `case when n % ${every} = 1 or n between 100 and 400 then null else ${value} end`;

const floats = (type: string): string =>
  `(case n % 50 when 0 then 'NaN'::float8 when 1 then 'Infinity' when 2 then '-Infinity' when 3 then '-0'
    when 4 then null else (n - 5000) * 0.37 end)::${type}`;

export const columns: readonly Column[] = [
  { name: 'id', kind: 'int', value: 'n' },
  // These have row groups with only NULL.
  { name: 'early', kind: 'int', value: 'case when n < 3000 then n end' },
  { name: 'never', kind: 'text', value: 'null::text' },
  { name: 'big', kind: 'int', value: someNull('(n - 8000) * 1152921504606846::bigint', 7) },
  { name: 'small', kind: 'int', value: '(n % 200 - 100)::smallint' },
  { name: 'calm', kind: 'double', value: someNull('n / 8.0::float8 - 900', 11) },
  { name: 'ratio', kind: 'double', value: floats('float8') },
  // Only a later row group has NaN.
  {
    name: 'late',
    kind: 'double',
    value: `(case when n = 15000 then 'NaN'::float8 else n end)::float8`,
  },
  { name: 'single', kind: 'single', value: floats('float4') },
  { name: 'price', kind: 'decimal', value: `(${someNull('n * 0.25 - 1000', 13)})::numeric(9,2)` },
  { name: 'wide', kind: 'decimal', value: `(${someNull('(n - 8000) * 1e20', 5)})::numeric(38,4)` },
  { name: 'loose', kind: 'text', value: `(n / 7.0)::numeric` },
  {
    name: 'flag',
    kind: 'boolean',
    value: `case when n > 6000 then true when n > 100 then n % 3 = 0 end`,
  },
  { name: 'day', kind: 'date', value: someNull(`date '1960-01-01' + n`, 9) },
  {
    name: 'moment',
    kind: 'moment',
    value: someNull(`timestamp '1969-12-30' + n * interval '11.000001 s'`, 9),
  },
  {
    name: 'instant',
    kind: 'instant',
    value: someNull(`timestamptz '2024-01-01Z' + n * interval '61.5 s'`, 8),
  },
  { name: 'clock', kind: 'clock', value: someNull(`time '00:00' + n * interval '5.000001 s'`, 8) },
  { name: 'uuid', kind: 'uuid', value: someNull('md5(n::text)::uuid', 6) },
  { name: 'bytes', kind: 'bytes', value: someNull(`decode(md5((n % 977)::text), 'hex')`, 6) },
  {
    name: 'word',
    kind: 'text',
    value: `case when n % 17 = 1 then null else (array['', 'a', 'é', 'NA', 'null', 'x;y', 'x,y', 'say "so"', E'two\\nlines', '日本'])[n % 10 + 1] || case when n % 3 = 0 then '' else n::text end end`,
  },
  { name: 'long', kind: 'long', value: someNull(`lpad(n::text, 8, '0') || repeat('é', 1500)`, 19) },
  { name: 'last', kind: 'long', value: `repeat(U&'\\+10FFFF', n % 40)` },
  {
    name: 'doc',
    kind: 'json',
    value: someNull(`jsonb_build_object('n', n, 'list', array[1, n])`, 4),
  },
  {
    name: 'ints',
    kind: 'list:int',
    value: `case when n % 5 > 0 then array_remove(array[n, null, n % 7], nullif(n % 5, 4)) end`,
  },
  {
    name: 'words',
    kind: 'list:text',
    value: `case n % 4 when 0 then null when 1 then '{}' else array['é' || n, null, ''] end::text[]`,
  },
  { name: 'uuids', kind: 'list:uuid', value: `array[md5(n::text)::uuid, null]` },
  { name: 'flags', kind: 'list:boolean', value: `array[n % 2 = 0, null, true]` },
];

const rows = 16_000;

/** Creates the table and the view. The view's function has a high cost, so its exports are divided into units. */
export async function createTable(): Promise<void> {
  await dropTable();
  const values = columns.map(({ name, value }) => `${value} as ${name}`);
  await sql(
    source,
    `create schema ${schema};
     create table ${schema}.hostile as select ${values.join(', ')} from generate_series(1, ${rows}) n;
     alter table ${schema}.hostile add primary key (id);
     create function ${schema}.dear(n int) returns int language plpgsql immutable cost 3000000 as 'begin return n; end';
     create view ${schema}.units as select ${schema}.dear(id) as id, price, word,
       timestamptz '2024-01-01Z' + id * interval '1 minute' as at from ${schema}.hostile;
     grant usage on schema ${schema} to public; grant select on all tables in schema ${schema} to public;
     analyze ${schema}.hostile`,
  );
}

export const dropTable = (): Promise<unknown> =>
  sql(source, `drop schema if exists ${schema} cascade`);

const micros = (value: string): string =>
  `trunc(extract(epoch from ${value}) * 1000000)::bigint::text`;

/** Returns SQL for the text of a value, in the form that check.py builds for every reader. */
function textOf(value: string, kind: string): string {
  if (kind.startsWith('list:'))
    return `case when ${value} is not null then to_json(array(select ${textOf('e', kind.slice(5))} from unnest(${value}) e)) end`;
  switch (kind) {
    case 'double':
    case 'single':
      return `case when ${value} = 'NaN' then 'nan' else encode(float${kind === 'double' ? 8 : 4}send(${value}), 'hex') end`;
    case 'date':
      return `(${value} - date '1970-01-01')::text`;
    case 'moment':
    case 'instant':
    case 'clock':
      return micros(value);
    case 'boolean':
      return `case ${value} when true then 't' when false then 'f' end`;
    case 'bytes':
      return `encode(${value}, 'hex')`;
    case 'long':
      return `md5(${value})`;
    default:
      return `${value}::text`;
  }
}

/** Returns the rows of the table, each as a line of JSON. */
export async function referenceLines(): Promise<string> {
  const values = columns.map(({ name, kind }) => textOf(name, kind));
  const found = await sql<{ line: string }>(
    `${source}?options=${encodeURIComponent('-c TimeZone=UTC')}`,
    `select json_build_array(${values.join(', ')})::text as line from ${schema}.hostile order by id`,
  );
  return found.map(({ line }) => line).join('\n');
}
