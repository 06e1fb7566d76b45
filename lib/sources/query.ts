import { type Condition, conditionSql } from './conditions.ts';
import type { SourceColumn, SourceDataset } from './datasets.ts';
import { type KeyRange, within } from './key-ranges.ts';
import { columnOf, identifier, literal, operator, relationOf, rowsOf } from './sql-text.ts';

export interface Selection {
  dataset: SourceDataset;
  columns: SourceColumn[];
  /** Canonical instants in UTC; `from` inclusive, `to` exclusive. */
  from: string | undefined;
  to: string | undefined;
  /** Conditions that all have to hold. */
  where: readonly Condition[];
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
  if (column.type === 'date') return `${literal(firstDayFrom(instant))}::pg_catalog.date`;
  if (column.type.endsWith('with time zone')) return `${literal(instant)}::pg_catalog.timestamptz`;
  return `${literal(instant.replace('T', ' ').replace('Z', ''))}::pg_catalog."timestamp"`;
}

const less = operator('<');
const notLess = operator('>=');

export function conditions(selection: Selection, also: readonly string[] = []): string {
  const { dataset, from, to, range, pages, where } = selection;
  const parts: string[] = [];
  const column = dataset.timeColumn;
  if (column) {
    const name = columnOf(column);
    if (from !== undefined) parts.push(`${name} ${notLess} ${bound(column, from)}`);
    if (to !== undefined) parts.push(`${name} ${less} ${bound(column, to)}`);
  }
  if (range) parts.push(...within(range));
  if (pages) parts.push(...onPages(pages));
  parts.push(...where.map(conditionSql), ...also);
  return parts.length === 0 ? '' : ` where ${parts.join(' and ')}`;
}

const onPages = ({ from, to }: PageRange): string[] => [
  `r.ctid ${notLess} '(${from},0)'::pg_catalog.tid`,
  ...(to === null ? [] : [`r.ctid ${less} '(${to},0)'::pg_catalog.tid`]),
];

const asItIs = (column: SourceColumn): string => columnOf(column);

/** The rows of the selection, as one SELECT; of each column `value` makes what is wanted of it. */
export function selectRows(
  selection: Selection,
  value: (column: SourceColumn) => string = asItIs,
): string {
  const columns = selection.columns
    .map((column) =>
      column.constant === undefined
        ? value(column)
        : `${literal(column.constant)}::pg_catalog.text as ${identifier(column.name)}`,
    )
    .join(', ');
  return `select ${columns} from ${rowsOf(selection.dataset)}${conditions(selection)}${orderOf(selection)}${limitOf(selection)}`;
}

const orderOf = ({ dataset, ordered }: Selection): string =>
  ordered && dataset.timeColumn ? ` order by ${columnOf(dataset.timeColumn)} nulls last` : '';

const limitOf = ({ limit }: Selection): string => (limit === undefined ? '' : ` limit ${limit}`);

/** How many rows a time bound leaves out because they have no time; null if it leaves out none. */
export function countRowsWithoutTime(selection: Selection): string | null {
  const column = selection.dataset.timeColumn;
  if (!column?.nullable || (selection.from === undefined && selection.to === undefined))
    return null;
  const others = { ...selection, from: undefined, to: undefined, range: undefined };
  const rows = `${rowsOf(selection.dataset)}${conditions(others, [`${columnOf(column)} is null`])}`;
  return `select pg_catalog.count(*) as rows from ${rows}`;
}

/** The planner's idea of a selection. */
export const explainRows = (selection: Selection): string =>
  `explain (format json) ${selectRows(selection)}`;

/** How many pages a table has. */
export const pagesOf = (dataset: SourceDataset): string =>
  `select (pg_catalog.pg_relation_size(${literal(relationOf(dataset))}::pg_catalog.regclass)
     ${operator('/')} pg_catalog.current_setting('block_size')::pg_catalog.int8)::pg_catalog.int4 as pages`;

/** What the database knows of the columns of a dataset. */
export const columnStatistics = ({ schema, relation }: SourceDataset): string =>
  `select attname as name, avg_width::pg_catalog.float8 as width, null_frac::pg_catalog.float8 as nulls
   from pg_catalog.pg_stats
   where schemaname = ${literal(schema)} and tablename = ${literal(relation)} and not inherited`;

/** First and last time of a dataset, as canonical text. */
export function timeRange(dataset: SourceDataset, column: SourceColumn): string {
  const name = columnOf(column);
  const rows = rowsOf(dataset);
  const utc = column.type.endsWith('with time zone')
    ? `pg_catalog.timezone('UTC'::pg_catalog.text, v)`
    : 'v::pg_catalog."timestamp"';
  const text = `pg_catalog.to_char(${utc}, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'::pg_catalog.text)`;
  const finite = `case when pg_catalog.isfinite(v) then ${text} end`;
  return `select (select ${finite} from (select pg_catalog.min(${name}) as v from ${rows}) a) as earliest,
    (select ${finite} from (select pg_catalog.max(${name}) as v from ${rows}) b) as latest`;
}

/** Moments of a time column that divide the time of a selection into so many equal parts. */
export function evenSplit(selection: Selection, column: SourceColumn, parts: number): string {
  const name = columnOf(column);
  return moments(
    column,
    parts,
    `select pg_catalog.min(${name}) filter (where pg_catalog.isfinite(${name})) as since,
       pg_catalog.max(${name}) filter (where pg_catalog.isfinite(${name})) as until
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
  const [plus, minus, times] = [operator('+'), operator('-'), operator('*')];
  const fraction = `(n::pg_catalog.float8 ${operator('/')} ${parts}::pg_catalog.float8)`;
  const step =
    column.type === 'date'
      ? `pg_catalog.floor((b.until ${minus} b.since)::pg_catalog.float8 ${times} ${fraction})::pg_catalog.int4`
      : `((b.until ${minus} b.since) ${times} ${fraction})`;
  return `select divided.bound::pg_catalog.text from (
    select distinct b.since ${plus} ${step} as bound
    from (${ends}) b cross join pg_catalog.generate_series(1, ${parts - 1}) n
    where pg_catalog.isfinite(b.since) and pg_catalog.isfinite(b.until)
      and b.until ${operator('>')} b.since) divided order by divided.bound`;
}
