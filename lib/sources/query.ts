import pg from 'pg';
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

function conditions({ dataset, from, to }: Selection): string {
  const column = dataset.timeColumn;
  if (!column || (from === undefined && to === undefined)) return '';
  const name = identifier(column.name);
  const parts = [
    ...(from === undefined ? [] : [`${name} >= ${bound(column, from)}`]),
    ...(to === undefined ? [] : [`${name} < ${bound(column, to)}`]),
  ];
  return ` where ${parts.join(' and ')}`;
}

/** The rows of the selection, as one SELECT. */
function selectRows(selection: Selection): string {
  const columns = selection.columns.map((column) => identifier(column.name)).join(', ');
  return `select ${columns} from ${relationOf(selection.dataset)}${conditions(selection)}`;
}

/** How many rows a time bound leaves out because they have no time; null if it leaves out none. */
export function countRowsWithoutTime(selection: Selection): string | null {
  const column = selection.dataset.timeColumn;
  if (!column?.nullable || (selection.from === undefined && selection.to === undefined))
    return null;
  return `select count(*) as rows from ${relationOf(selection.dataset)} where ${identifier(column.name)} is null`;
}

/** Server-made CSV of the rows, without header: RFC 4180, NULL as nothing, the empty string as "". */
export const copyCsv = (selection: Selection): string =>
  `copy (${selectRows(selection)}) to stdout (format csv)`;

/** The planner's idea of a selection. */
export const explainRows = (selection: Selection): string =>
  `explain (format json) ${selectRows(selection)}`;

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
