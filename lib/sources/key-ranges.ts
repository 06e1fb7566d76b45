import type { SourceColumn } from './datasets.ts';
import { columnOf, literal, operator } from './sql-text.ts';

/** A column by which rows are divided, and the comparisons that divide them. */
export interface Key {
  column: SourceColumn;
  operators: RangeOperators;
}

/** Comparisons of values of one type, with the schema in which they are. */
export interface RangeOperators {
  less: string;
  /** Not less. */
  least: string;
}

/** Those of PostgreSQL's own types, dates and timestamps among them, also where a domain is over them. */
const ofCatalog: RangeOperators = { less: operator('<'), least: operator('>=') };

export const keyOfTime = (column: SourceColumn): Key => ({ column, operators: ofCatalog });

/** The rows whose key is `from` or more, and less than `to`; a missing end is open. */
export interface KeyRange {
  column: SourceColumn;
  /** Those that the bounds have been proved with; absent from a unit that an earlier version has planned. */
  operators?: RangeOperators;
  /** As PostgreSQL writes a value of the column's type. */
  from: string | null;
  to: string | null;
}

/** A domain over an enum has no operators but those of the enum; of other domains, too, the base's are right. */
const isComparedAsBase = ({ type, base }: SourceColumn): boolean =>
  base !== type && !/[[(]/.test(base);

/** The column of a key, and a value of it, as they are compared. */
export const keyOf = (column: SourceColumn): string =>
  columnOf(column) + (isComparedAsBase(column) ? `::${column.base}` : '');
export const keyLiteral = (column: SourceColumn, value: string): string =>
  `${literal(value)}::${isComparedAsBase(column) ? column.base : column.type}`;

/** The last range takes the rows without a key, too: NULL is neither less nor more. */
export function within({ column, operators, from, to }: KeyRange): string[] {
  const { less, least } = operators ?? { less: '<', least: '>=' };
  const above = from === null ? [] : [`${keyOf(column)} ${least} ${keyLiteral(column, from)}`];
  if (to !== null) return [...above, `${keyOf(column)} ${less} ${keyLiteral(column, to)}`];
  if (!column.nullable) return above;
  return above.map((condition) => `(${condition} or ${columnOf(column)} is null)`);
}
