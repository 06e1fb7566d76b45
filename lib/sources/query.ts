import { type Condition, conditionSql } from './conditions.ts';
import type { SourceColumn, SourceDataset } from './datasets.ts';
import { type KeyRange, within } from './key-ranges.ts';
import { columnOf, identifier, literal, operator, relationName, rowsOf } from './sql-text.ts';

export interface Selection {
  dataset: SourceDataset;
  columns: SourceColumn[];
  /** Canonical instants in UTC; `from` inclusive, `to` exclusive. */
  from: string | undefined;
  to: string | undefined;
  /** Conditions, all of which have to hold. */
  where: readonly Condition[];
  /** Whether rows are sorted by the time column, those without a time last. */
  ordered: boolean;
  /** The rows of one unit; absent: all rows. */
  range?: KeyRange | undefined;
  /** The pages of one of several readers that share a snapshot; absent: all pages. */
  pages?: PageRange | undefined;
  /** Maximum rows, whichever come first; absent: all rows. */
  limit?: number;
}

/** Pages of a table from `from` up to `to` (exclusive); null includes pages that are added later. */
export interface PageRange {
  from: number;
  to: number | null;
}

/** Returns the selection of all rows and columns of a dataset. */
export const allRows = (dataset: SourceDataset): Selection => ({
  dataset,
  columns: dataset.columns,
  from: undefined,
  to: undefined,
  where: [],
  ordered: false,
});

/** Returns the first day whose midnight (UTC) is not before the instant. */
function firstDayFrom(instant: string): string {
  if (instant.endsWith('T00:00:00Z')) return instant.slice(0, 10);
  const next = new Date(`${instant.slice(0, 10)}T00:00:00Z`);
  next.setUTCDate(next.getUTCDate() + 1);
  // The ISO format of a year after 9999 has a sign; no accepted instant is as late.
  return next.getUTCFullYear() > 9999 ? '10000-01-01' : next.toISOString().slice(0, 10);
}

/** Returns a bound as a literal of the column's own type, so that an index on the column is used. */
function bound(column: SourceColumn, instant: string): string {
  if (column.type === 'date') return `${literal(firstDayFrom(instant))}::pg_catalog.date`;
  if (column.type.endsWith('with time zone')) return `${literal(instant)}::pg_catalog.timestamptz`;
  return `${literal(instant.replace('T', ' ').replace('Z', ''))}::pg_catalog."timestamp"`;
}

const less = operator('<');
const notLess = operator('>=');

export function conditions(selection: Selection, also: readonly string[] = []): string {
  const { dataset, from, to, range, pages, where } = selection;
  const terms: string[] = [];
  const column = dataset.timeColumn;
  if (column) {
    const name = columnOf(column);
    if (from !== undefined) terms.push(`${name} ${notLess} ${bound(column, from)}`);
    if (to !== undefined) terms.push(`${name} ${less} ${bound(column, to)}`);
  }
  if (range) terms.push(...within(range));
  if (pages) terms.push(...onPages(pages));
  terms.push(...where.map(conditionSql), ...also);
  return terms.length === 0 ? '' : ` where ${terms.join(' and ')}`;
}

const onPages = ({ from, to }: PageRange): string[] => [
  `r.ctid ${notLess} '(${from},0)'::pg_catalog.tid`,
  ...(to === null ? [] : [`r.ctid ${less} '(${to},0)'::pg_catalog.tid`]),
];

const unchangedColumn = (column: SourceColumn): string => columnOf(column);

/** Returns the SELECT of a selection; `value` returns the expression of a column. */
export function selectRows(
  selection: Selection,
  value: (column: SourceColumn) => string = unchangedColumn,
): string {
  const columns = selection.columns
    .map((column) =>
      column.constant === undefined
        ? // A hash is computed from the value as it is sent.
          (column.policy === 'hash' ? columnOf : value)(column)
        : `${literal(column.constant)}::pg_catalog.text as ${identifier(column.name)}`,
    )
    .join(', ');
  return `select ${columns} from ${rowsOf(selection.dataset)}${conditions(selection)}${orderOf(selection)}${limitOf(selection)}`;
}

const orderOf = ({ dataset, ordered }: Selection): string =>
  ordered && dataset.timeColumn ? ` order by ${columnOf(dataset.timeColumn)} nulls last` : '';

const limitOf = ({ limit }: Selection): string => (limit === undefined ? '' : ` limit ${limit}`);

/** Returns SQL that counts the rows which a time bound leaves out because they have no time; null if it leaves out none. */
export function countRowsWithoutTimeSql(selection: Selection): string | null {
  const column = selection.dataset.timeColumn;
  if (!column?.nullable || (selection.from === undefined && selection.to === undefined))
    return null;
  const others = { ...selection, from: undefined, to: undefined, range: undefined };
  const rows = `${rowsOf(selection.dataset)}${conditions(others, [`${columnOf(column)} is null`])}`;
  return `select pg_catalog.count(*) as rows from ${rows}`;
}

/** Returns the EXPLAIN of a selection. */
export const explainRows = (selection: Selection): string =>
  `explain (format json) ${selectRows(selection)}`;

/** Returns SQL that counts the rows of a selection, up to a limit. Its duration depends on no row that a grant hides. */
export const countRowsSql = (selection: Selection, limit: number): string =>
  `select pg_catalog.count(*)::pg_catalog.float8 as rows from (
     select from ${rowsOf(selection.dataset, { isFenced: true })}${conditions(selection)} limit ${limit}) counted`;

/** Returns SQL for the number of pages of a table. */
export const pagesOf = (dataset: SourceDataset): string =>
  `select (pg_catalog.pg_relation_size(${relationName(dataset)})
     ${operator('/')} pg_catalog.current_setting('block_size')::pg_catalog.int8)::pg_catalog.int4 as pages`;

/** Returns SQL for the planner's statistics of the columns of a dataset. */
export const columnStatistics = ({ schema, relation }: SourceDataset): string =>
  `select attname as name, avg_width::pg_catalog.float8 as width, null_frac::pg_catalog.float8 as nulls
   from pg_catalog.pg_stats
   where schemaname = ${literal(schema)} and tablename = ${literal(relation)} and not inherited`;

/** Returns SQL for the first and last time of a dataset, as canonical text. */
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

/** Returns SQL for the timestamps that divide the time of a selection into `ranges` equal ranges. */
export function evenSplit(selection: Selection, column: SourceColumn, ranges: number): string {
  const name = columnOf(column);
  return dividingTimestamps(
    column,
    ranges,
    `select pg_catalog.min(${name}) filter (where pg_catalog.isfinite(${name})) as since,
       pg_catalog.max(${name}) filter (where pg_catalog.isfinite(${name})) as until
     from (${selectRows({ ...selection, columns: [column], ordered: false })}) r`,
  );
}

/** Returns the same SQL for the requested time, whether it has rows or not. It reads no row. */
export const evenSplitOf = (
  column: SourceColumn,
  { from, to }: { from: string; to: string },
  ranges: number,
): string =>
  dividingTimestamps(
    column,
    ranges,
    `select ${bound(column, from)} as since, ${bound(column, to)} as until`,
  );

function dividingTimestamps(column: SourceColumn, ranges: number, ends: string): string {
  const [plus, minus, times] = [operator('+'), operator('-'), operator('*')];
  const fraction = `(n::pg_catalog.float8 ${operator('/')} ${ranges}::pg_catalog.float8)`;
  const step =
    column.type === 'date'
      ? `pg_catalog.floor((b.until ${minus} b.since)::pg_catalog.float8 ${times} ${fraction})::pg_catalog.int4`
      : `((b.until ${minus} b.since) ${times} ${fraction})`;
  return `select divided.bound::pg_catalog.text from (
    select distinct b.since ${plus} ${step} as bound
    from (${ends}) b cross join pg_catalog.generate_series(1, ${ranges - 1}) n
    where pg_catalog.isfinite(b.since) and pg_catalog.isfinite(b.until)
      and b.until ${operator('>')} b.since) divided order by divided.bound`;
}
