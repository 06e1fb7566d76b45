import type { WhereCondition } from '../contracts/export-request.ts';
import type { SourceColumn, SourceDataset } from './datasets.ts';
import { type KeyRange, within } from './key-ranges.ts';
import { columnOf, identifier, literal, relationOf, rowsOf } from './sql-text.ts';

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

export function conditions({ dataset, from, to, range, pages, where }: Selection): string {
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

const onPages = ({ from, to }: PageRange): string[] => [
  `ctid >= '(${from},0)'`,
  ...(to === null ? [] : [`ctid < '(${to},0)'`]),
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
        : `${literal(column.constant)}::text as ${identifier(column.name)}`,
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
  const missing: WhereCondition = { column: column.name, op: 'isNull', value: true };
  const others = { ...selection, from: undefined, to: undefined, range: undefined };
  return `select count(*) as rows from ${rowsOf(selection.dataset)}${conditions({ ...others, where: [...selection.where, missing] })}`;
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
