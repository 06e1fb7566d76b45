import type { SourceColumn } from './datasets.ts';
import { columnOf, literal, operator } from './sql-text.ts';

/** A column that divides the rows, and the operators that compare it. */
export interface Key {
  column: SourceColumn;
  operators: RangeOperators;
}

/** Operators of one type, qualified by their schema. */
export interface RangeOperators {
  less: string;
  /** Greater or equal. */
  least: string;
}

/** The operators of PostgreSQL's own types, such as dates and timestamps, and of domains over them. */
const catalogOperators: RangeOperators = { less: operator('<'), least: operator('>=') };

export const keyOfTime = (column: SourceColumn): Key => ({ column, operators: catalogOperators });

/** The rows whose key is at least `from` and less than `to`; null is unbounded. */
export interface KeyRange {
  column: SourceColumn;
  /** The operators with which the bounds were verified; absent in units planned by an earlier version. */
  operators?: RangeOperators;
  /** As PostgreSQL writes a value of the column's type. */
  from: string | null;
  to: string | null;
}

/** A domain is compared by the operators of its base type: a domain over an enum has no others. */
const isComparedAsBase = ({ type, base }: SourceColumn): boolean =>
  base !== type && !/[[(]/.test(base);

/** Returns the SQL of a key's column for a comparison. */
export const keyOf = (column: SourceColumn): string =>
  columnOf(column) + (isComparedAsBase(column) ? `::${column.base}` : '');
/** Returns the SQL of a value of a key for a comparison. */
export const keyLiteral = (column: SourceColumn, value: string): string =>
  `${literal(value)}::${isComparedAsBase(column) ? column.base : column.type}`;

/** Returns the conditions of a range. The last range includes the rows whose key is NULL. */
export function within({ column, operators, from, to }: KeyRange): string[] {
  const { less, least } = operators ?? { less: '<', least: '>=' };
  const lowerBound = from === null ? [] : [`${keyOf(column)} ${least} ${keyLiteral(column, from)}`];
  if (to !== null) return [...lowerBound, `${keyOf(column)} ${less} ${keyLiteral(column, to)}`];
  if (!column.nullable) return lowerBound;
  return lowerBound.map((condition) => `(${condition} or ${columnOf(column)} is null)`);
}
