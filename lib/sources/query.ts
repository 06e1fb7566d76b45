import pg from 'pg';
import type { WhereCondition } from '../contracts/export-request.ts';
import type { SourceColumn, SourceDataset } from './datasets.ts';

/**
 * The one place where SQL text is made from outside values, because COPY takes no parameters.
 * Identifiers come only from the source's own catalogue; literals only through the driver's escaping.
 */
const identifier = (name: string): string => pg.escapeIdentifier(name);
const literal = (value: string): string => pg.escapeLiteral(value);

export interface Selection {
  dataset: SourceDataset;
  columns: SourceColumn[];
  /** Canonical instants in UTC; `from` inclusive, `to` exclusive. */
  from: string | undefined;
  to: string | undefined;
  /** Conditions that all have to hold, checked against the types of their columns. */
  where: readonly WhereCondition[];
  /** By the time column, rows without a time last. */
  ordered: boolean;
  /** One unit's share of the rows; absent: all of them. */
  range?: KeyRange | undefined;
  /** One reader's share of the pages, under a snapshot that it has in common with the others. */
  pages?: PageRange | undefined;
  /** At most so many rows, whichever come first; absent: all of them. */
  limit?: number;
}

/** Pages of a table from `from` on, up to but not including `to`; without an end also those added since. */
export interface PageRange {
  from: number;
  to: number | null;
}

/** All of a dataset. */
export const everything = (dataset: SourceDataset): Selection => ({
  dataset,
  columns: dataset.columns,
  from: undefined,
  to: undefined,
  where: [],
  ordered: false,
});

/** The rows whose key is `from` or more, and less than `to`; a missing end is open. */
export interface KeyRange {
  column: SourceColumn;
  /** As PostgreSQL writes a value of the column's type. */
  from: string | null;
  to: string | null;
}

const relationOf = (dataset: SourceDataset): string =>
  `${identifier(dataset.schema)}.${identifier(dataset.relation)}`;

/** The first day whose midnight (UTC) is not before the instant. */
function firstDayFrom(instant: string): string {
  if (instant.endsWith('T00:00:00Z')) return instant.slice(0, 10);
  const next = new Date(`${instant.slice(0, 10)}T00:00:00Z`);
  next.setUTCDate(next.getUTCDate() + 1);
  // A year past 9999 has a sign in ISO format; the day after the last one is beyond all we take.
  return next.getUTCFullYear() > 9999 ? 'infinity' : next.toISOString().slice(0, 10);
}

/** A bound as a literal of the column's own type, so that an index on the column serves. */
function bound(column: SourceColumn, instant: string): string {
  if (column.type === 'date') return `${literal(firstDayFrom(instant))}::date`;
  if (column.type.endsWith('with time zone')) return `${literal(instant)}::timestamptz`;
  return `${literal(instant.replace('T', ' ').replace('Z', ''))}::timestamp`;
}

function conditions({ dataset, from, to, range, pages, where }: Selection): string {
  const parts: string[] = [];
  const column = dataset.timeColumn;
  if (column) {
    const name = identifier(column.name);
    if (from !== undefined) parts.push(`${name} >= ${bound(column, from)}`);
    if (to !== undefined) parts.push(`${name} < ${bound(column, to)}`);
  }
  if (range) parts.push(...within(range));
  if (pages) parts.push(...onPages(pages));
  for (const condition of where) parts.push(conditionOf(dataset.columns, condition));
  return parts.length === 0 ? '' : ` where ${parts.join(' and ')}`;
}

const comparisons = { eq: '=', ne: '<>', lt: '<', lte: '<=', gt: '>', gte: '>=', like: 'like' };

/**
 * The literals have no type of their own: they take the column's, without its modifiers (a cast to
 * numeric(12,2) would round, one to char(3) would cut), so that an index on the column serves. A composite
 * value has to be told its type. A domain over an enum has no operators but those of the enum.
 */
function conditionOf(
  columns: readonly SourceColumn[],
  { column: wanted, op, value }: WhereCondition,
): string {
  const column = columns.find(({ name }) => name === wanted);
  if (!column) throw new Error(`a condition on ${wanted}, which is no column`);
  const name = identifier(wanted);
  if (op === 'isNull') return `${name} is ${value === true ? '' : 'not '}null`;
  const { type, base, inJson } = column;
  const typed = inJson === 'object' ? `::${base}` : '';
  const values = (Array.isArray(value) ? value : [value]).map((it) => literal(String(it)) + typed);
  const compared = base === type || /[[(]/.test(base) ? name : `${name}::${base}`;
  return op === 'in'
    ? `${compared} in (${values.join(', ')})`
    : `${compared} ${comparisons[op]} ${values[0]}`;
}

/** The last range takes the rows without a key, too: NULL is neither less nor more. */
function within({ column, from, to }: KeyRange): string[] {
  const name = identifier(column.name);
  const key = (value: string): string => `${literal(value)}::${column.type}`;
  if (to !== null)
    return [...(from === null ? [] : [`${name} >= ${key(from)}`]), `${name} < ${key(to)}`];
  if (from === null) return [];
  return [
    column.nullable ? `(${name} >= ${key(from)} or ${name} is null)` : `${name} >= ${key(from)}`,
  ];
}

const onPages = ({ from, to }: PageRange): string[] => [
  `ctid >= '(${from},0)'`,
  ...(to === null ? [] : [`ctid < '(${to},0)'`]),
];

const asItIs = ({ name }: SourceColumn): string => identifier(name);

/** The rows of the selection, as one SELECT; of each column `value` makes what is wanted of it. */
function selectRows(
  selection: Selection,
  value: (column: SourceColumn) => string = asItIs,
): string {
  const columns = selection.columns
    .map((column) =>
      column.constant === undefined
        ? value(column)
        : `${literal(column.constant)}::text as ${identifier(column.name)}`,
    )
    .join(', ');
  return `select ${columns} from ${relationOf(selection.dataset)}${conditions(selection)}${orderOf(selection)}${limitOf(selection)}`;
}

const orderOf = ({ dataset, ordered }: Selection): string =>
  ordered && dataset.timeColumn
    ? ` order by ${identifier(dataset.timeColumn.name)} nulls last`
    : '';

const limitOf = ({ limit }: Selection): string => (limit === undefined ? '' : ` limit ${limit}`);

/** How many rows a time bound leaves out because they have no time; null if it leaves out none. */
export function countRowsWithoutTime(selection: Selection): string | null {
  const column = selection.dataset.timeColumn;
  if (!column?.nullable || (selection.from === undefined && selection.to === undefined))
    return null;
  const missing: WhereCondition = { column: column.name, op: 'isNull', value: true };
  const others = { ...selection, from: undefined, to: undefined, range: undefined };
  return `select count(*) as rows from ${relationOf(selection.dataset)}${conditions({ ...others, where: [...selection.where, missing] })}`;
}

/** Server-made CSV of the rows, without header: RFC 4180, NULL as nothing, the empty string as "". */
export const copyCsv = (selection: Selection): string =>
  `copy (${selectRows(selection)}) to stdout (format csv)`;

/** The same for people who open it in a spreadsheet: local times, and no text that would be a formula. */
export const copyCsvForSpreadsheets = (selection: Selection, timeZone: string): string =>
  `copy (${selectRows(selection, (column) => notFormula(column) ?? inZone(column, timeZone))}) to stdout (format csv)`;

/** Server-made text of the rows, tabs between values, with the times of a zone. */
export const copyText = (selection: Selection, timeZone: string): string =>
  `copy (${selectRows(selection, (column) => inZone(column, timeZone))}) to stdout`;

/** AT TIME ZONE takes these for abbreviations, which have no summer; by IANA they are links to these. */
const places: Record<string, string> = {
  CET: 'Europe/Brussels',
  MET: 'Europe/Brussels',
  EET: 'Europe/Athens',
  WET: 'Europe/Lisbon',
};

/**
 * An instant as the clocks of the zone show it; infinite, or within a day of the ends of PostgreSQL's time,
 * as it is: AT TIME ZONE would fail beyond them.
 */
function inZone({ name, base }: SourceColumn, timeZone: string): string {
  const column = identifier(name);
  if (!/^timestamp(\(\d\))? with time zone$/.test(base)) return column;
  const zone = places[timeZone.toUpperCase()] ?? timeZone;
  return `case when ${column} between '4714-11-25 00:00+00 BC' and '294276-12-31 00:00+00'
    then (${column} at time zone ${literal(zone)})::text else ${column}::text end as ${column}`;
}

/** What is a value to a spreadsheet whatever its first character, or never begins with one of those. */
const neverText =
  /^(smallint|integer|bigint|numeric|real|double precision|money|oid|boolean|date|time|timestamp|uuid|bytea)(\(.*\))?( with(out)? time zone)?$/;

/**
 * A text that would be a formula behind the quote that makes it text. `concat` writes any type as COPY
 * does, blanks at the end and all; `is not distinct` asks nothing of the fields of a composite value.
 * https://owasp.org/www-community/attacks/CSV_Injection
 */
function notFormula({ name, base }: SourceColumn): string | undefined {
  if (neverText.test(base)) return undefined;
  const column = identifier(name);
  const simple = /^(text|character varying(\(\d+\))?)$/.test(base);
  const text = simple ? column : `concat(${column})`;
  const none = simple ? '' : `when ${column} is not distinct from null then null `;
  return `case ${none}when left(${text}, 1) in ('=', '+', '-', '@', E'\\t', E'\\r') then concat('''', ${text}) else ${text} end as ${column}`;
}

/**
 * The rows in COPY's binary format. Of the columns that are sent as text it has what their type writes:
 * `format` calls its output function, where a cast calls whatever cast there is (inet gets a mask).
 */
export function copyBinary(
  selection: Selection,
  sentAsText: (column: SourceColumn) => boolean,
): string {
  const value = (column: SourceColumn): string => {
    const name = identifier(column.name);
    // `is null` would take a row of NULLs for NULL.
    return sentAsText(column)
      ? `case when pg_catalog.num_nulls(${name}) = 0 then pg_catalog.format('%s', ${name}) end`
      : name;
  };
  return `copy (${selectRows(selection, value)}) to stdout (format binary)`;
}

/**
 * A column for JSON. Integers of 64 bits and exact numbers are strings, whatever their value: a double
 * does not hold them, and a type must not change from row to row. Bytes are base64. So are those of
 * arrays, of any dimensions; what is in a composite value stays as row_to_json has it.
 */
function jsonValue({ name, base }: SourceColumn): string {
  const column = identifier(name);
  const exact = /^(?:bigint|numeric)(?:\(.*\))?((?:\[\])*)$/.exec(base);
  if (exact) return `${exactInJson(column, exact[1] ?? '')} as ${column}`;
  if (base === 'bytea') return `${base64(column)} as ${column}`;
  return /^bytea(\[\])+$/.test(base) ? `${bytesInJson(column)} as ${column}` : column;
}

/** The elements of an array of domains over arrays are arrays, for which a cast would give text. */
const exactInJson = (column: string, brackets: string): string =>
  brackets.length > 2
    ? `regexp_replace(to_json(${column})::text, '-?[0-9][0-9.]*', ${literal('"\\&"')}, 'g')::json`
    : `${column}::text${brackets}`;

const base64 = (bytes: string): string => `translate(encode(${bytes}, 'base64'), E'\\n', '')`;

/** As JSON the array is brackets and commas, and between quotes `\\x` and the bytes in hexadecimal. */
const bytesInJson = (column: string): string =>
  `(select string_agg(case when n % 2 = 0 then '"' || ${base64(`decode(substr(part, 4), 'hex')`)} || '"' else part end, '' order by n)::json
    from unnest(string_to_array(to_json(${column})::text, '"')) with ordinality parts(part, n))`;

/** What never has a line feed in its JSON: all else may carry JSON text as somebody wrote it, whitespace and all. */
const plainInJson =
  /^(smallint|integer|bigint|numeric|real|double precision|money|boolean|text|character|character varying|uuid|date|time|timestamp|interval|bytea|jsonb|inet|cidr|macaddr)(\(\d+(,-?\d+)?\))?( with(out)? time zone)?(\[\])*$/;

/**
 * Server-made JSON, an object a row, in one line each. As the one field of the binary format it comes as it
 * is, where the others would look through it for what to quote.
 */
export function copyJson(selection: Selection): string {
  // `r.*` is the row whatever its columns are called; `r` would be a column of that name.
  const row = 'row_to_json(r.*)';
  const oneLine = selection.columns.every(({ base }) => plainInJson.test(base))
    ? row
    : `translate(${row}::text, E'\\n\\r', '  ')`;
  return `copy (select ${oneLine} from (${selectRows(selection, jsonValue)}) r) to stdout (format binary)`;
}

/** The planner's idea of a selection. */
export const explainRows = (selection: Selection): string =>
  `explain (format json) ${selectRows(selection)}`;

/** How many pages a table has. */
export const pagesOf = (dataset: SourceDataset): string =>
  `select (pg_relation_size(${literal(relationOf(dataset))}::regclass)
     / current_setting('block_size')::integer)::integer as pages`;

/** What the database knows of the columns of a dataset. */
export const columnStatistics = ({ schema, relation }: SourceDataset): string =>
  `select attname as name, avg_width::float8 as width, null_frac::float8 as nulls from pg_stats
   where schemaname = ${literal(schema)} and tablename = ${literal(relation)} and not inherited`;

/** First and last time of a dataset, as canonical text. */
export function timeRange(dataset: SourceDataset, column: SourceColumn): string {
  const name = identifier(column.name);
  const relation = relationOf(dataset);
  const utc = column.type.endsWith('with time zone') ? `timezone('UTC', v)` : 'v::timestamp';
  const text = `to_char(${utc}, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
  const finite = `case when isfinite(v) then ${text} end`;
  return `select (select ${finite} from (select min(${name}) as v from ${relation}) a) as earliest,
    (select ${finite} from (select max(${name}) as v from ${relation}) b) as latest`;
}

/**
 * Keeps a dataset from being truncated or rewritten for the rest of the transaction; null where
 * PostgreSQL has no such lock.
 */
export const lockDataset = (dataset: SourceDataset): string | null =>
  dataset.lockable ? `lock table ${relationOf(dataset)} in access share mode` : null;

/** The leading column of the primary key: ranges of it take rows with equal values together. */
export const leadingKeyColumn = (dataset: SourceDataset): string =>
  `select a.attname as name from pg_index i
   join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
   where i.indrelid = ${literal(relationOf(dataset))}::regclass and i.indisprimary`;

/** Values of a key that divide a selection into so many parts of about as many rows, by a sample of its pages. */
export function sampleSplit(
  selection: Selection,
  column: SourceColumn,
  parts: number,
  percent: number,
): string {
  const name = identifier(column.name);
  const fractions = Array.from({ length: parts - 1 }, (_, n) => (n + 1) / parts);
  return `select b.bound::text from (
    select distinct bound from (
      select unnest(percentile_disc(array[${fractions.join(', ')}]::float8[]) within group (order by ${name})) as bound
      from ${relationOf(selection.dataset)} tablesample system (${percent})${conditions(selection)}
    ) bounds where bound is not null) b order by b.bound`;
}

/** Moments of a time column that divide the time of a selection into so many equal parts. */
export function evenSplit(selection: Selection, column: SourceColumn, parts: number): string {
  const name = identifier(column.name);
  return moments(
    column,
    parts,
    `select min(${name}) filter (where isfinite(${name})) as since,
       max(${name}) filter (where isfinite(${name})) as until
     from (${selectRows({ ...selection, columns: [column], ordered: false })}) r`,
  );
}

/** The same of the time that was asked for, whether there are rows or not: reads none. */
export const evenSplitOf = (
  column: SourceColumn,
  { from, to }: { from: string; to: string },
  parts: number,
): string =>
  moments(column, parts, `select ${bound(column, from)} as since, ${bound(column, to)} as until`);

function moments(column: SourceColumn, parts: number, ends: string): string {
  const step =
    column.type === 'date'
      ? `floor((b.until - b.since) * (n::float8 / ${parts}))::integer`
      : `(b.until - b.since) * (n::float8 / ${parts})`;
  return `select divided.bound::text from (
    select distinct b.since + ${step} as bound
    from (${ends}) b cross join generate_series(1, ${parts - 1}) n
    where isfinite(b.since) and isfinite(b.until) and b.until > b.since) divided order by divided.bound`;
}
