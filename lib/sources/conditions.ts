import type { WhereCondition } from '../contracts/where.ts';
import { numberText } from '../runtime/exact-number.ts';
import type { Comparison } from './comparisons.ts';
import type { SourceColumn, SourceDataset } from './datasets.ts';
import { columnOf, literal, operator, rowsOf } from './sql-text.ts';

/** A condition on a column, validated against its type, and how the column is compared. */
export interface ColumnCondition {
  column: SourceColumn;
  comparison: Comparison;
  op: WhereCondition['op'];
  value: WhereCondition['value'];
}

/** A condition, or several of which at least one has to hold. */
export type Condition = ColumnCondition | { any: readonly ColumnCondition[] };

export const conditionSql = (condition: Condition): string =>
  'any' in condition ? `(${condition.any.map(columnSql).join(' or ')})` : columnSql(condition);

const orders = { lt: '<', lte: '<=', gt: '>', gte: '>=' } as const;

/**
 * `ne` negates `eq`; both are NULL for NULL. `is null` would be true of a composite value whose fields are all NULL,
 * so `is not distinct from null` is used.
 */
function columnSql(condition: ColumnCondition): string {
  const { column, comparison, op, value } = condition;
  const isNull = `${columnOf(column)} is not distinct from null`;
  if (value === null) return `${columnOf(column)} is distinct from null`;
  if (op === 'isNull') return value === true ? isNull : `${columnOf(column)} is distinct from null`;
  const values = (Array.isArray(value) ? value : [value]).map((it) =>
    typeof it === 'number' ? numberText(it) : String(it),
  );
  const sides = sidesOf(column, comparison, values);
  const [first = '', second = ''] = sides.values;
  const compared = (name: string, side: string): string =>
    `${sides.column} ${operator(name, sides.schemas[name])} ${side}`;
  switch (op) {
    case 'like':
    case 'ilike':
      return likeSql(condition);
    case 'eq':
      return compared('=', first);
    case 'ne':
      return `not (${compared('=', first)})`;
    case 'isDistinctFrom':
      return `(${compared('=', first)}) is not true`;
    case 'lt':
    case 'lte':
    case 'gt':
    case 'gte':
      return compared(orders[op], first);
    case 'between':
      return `(${compared('>=', first)} and ${compared('<=', second)})`;
    case 'in':
    case 'notIn': {
      const isIn = comparison.isArray
        ? `(${sides.values.map((side) => compared('=', side)).join(' or ')})`
        : compared('=', `any(array[${sides.values.join(', ')}])`);
      return op === 'in' ? isIn : `not (${isIn})`;
    }
    default:
      return op satisfies never;
  }
}

/** The pattern is text whatever the column's type: as char(n) it would lose its trailing blanks. */
function likeSql(
  { column, comparison, op, value }: ColumnCondition,
  wrap = (subject: string): string => subject,
): string {
  const { type, isCast, comparedAs, schemas } = comparison;
  const name = op === 'ilike' ? '~~*' : '~~';
  const schema = schemas[name];
  const subject = wrap(isCast ? `${columnOf(column)}::${type}` : columnOf(column));
  const patternType = schema === undefined ? 'pg_catalog.text' : comparedAs;
  return `${subject} ${operator(name, schema)} ${literal(String(value))}::${patternType}`;
}

const isPattern = ({ op }: ColumnCondition): boolean => op === 'like' || op === 'ilike';

/**
 * Returns a statement that reads no row and fails if a column's collation does not support the patterns of these
 * conditions. Returns null if there is no pattern.
 */
export function patternProbe(dataset: SourceDataset, where: readonly Condition[]): string | null {
  const patterns = where.flatMap((item) => ('any' in item ? item.any : [item])).filter(isPattern);
  const empty = (subject: string): string =>
    `coalesce((select ${subject} from ${rowsOf(dataset)} limit 0), '')`;
  const probes = patterns.map((condition) => likeSql(condition, empty));
  return probes.length === 0 ? null : `select ${probes.join(', ')}`;
}

interface Sides {
  column: string;
  values: string[];
  schemas: Comparison['schemas'];
}

const catalogPrefix = 'pg_catalog.';

/**
 * Returns both sides of a comparison: the column, cast only if it is a domain, so that its index can be used, and the
 * values, all of one type, which is the column's type if that can hold them.
 */
function sidesOf(column: SourceColumn, comparison: Comparison, values: string[]): Sides {
  const { type, isCast, isByText, schemas } = comparison;
  const subject = columnOf(column);
  const typed = (as: string) => values.map((value) => `${literal(value)}::${as}`);
  if (isByText) {
    const textOf = (it: string): string => `${catalogPrefix}format('%s', ${it})`;
    return {
      column: `case when ${catalogPrefix}num_nulls(${subject}) = 0 then ${textOf(subject)} end`,
      values: typed(type).map(textOf),
      schemas: {},
    };
  }
  const as = uncutTypes[type];
  if (as !== undefined)
    return {
      column: `${subject}::${as}`,
      values: typed(as),
      schemas: {},
    };
  const cast = isCast ? `${subject}::${type}` : subject;
  if (type in wholeNumbers)
    return { column: cast, values: typed(wideEnough(type, values)), schemas };
  if (type === `${catalogPrefix}float4`) return { column: cast, values: realsOf(values), schemas };
  if (type === `${catalogPrefix}"date"` || type === `${catalogPrefix}date`)
    return { column: cast, values: datesOf(values), schemas };
  if (type === `${catalogPrefix}"timestamp"`)
    return { column: cast, values: values.map(timestampOf), schemas };
  return { column: cast, values: typed(type), schemas };
}

/** Types that cut a value to their length, each with the type to compare as instead. */
const uncutTypes: Record<string, string> = {
  [`${catalogPrefix}name`]: `${catalogPrefix}text`,
  [`${catalogPrefix}"char"`]: `${catalogPrefix}text`,
  [`${catalogPrefix}_name`]: `${catalogPrefix}_text`,
  [`${catalogPrefix}_char`]: `${catalogPrefix}_text`,
};

const wholeNumbers: Record<string, bigint> = {
  [`${catalogPrefix}int2`]: 2n ** 15n,
  [`${catalogPrefix}int4`]: 2n ** 31n,
  [`${catalogPrefix}int8`]: 2n ** 63n,
};

/** Returns the first type, from the column's type up, that holds all values: a comparison then never fails with out of range. */
function wideEnough(type: string, values: readonly string[]): string {
  if (!values.every((value) => /^[-+]?\d+$/.test(value))) return `${catalogPrefix}numeric`;
  const numbers = values.map(BigInt);
  const holds = (limit: bigint): boolean => numbers.every((it) => it >= -limit && it < limit);
  const candidates = type === `${catalogPrefix}int8` ? [type] : [type, `${catalogPrefix}int8`];
  return candidates.find((it) => holds(wholeNumbers[it] ?? 0n)) ?? `${catalogPrefix}numeric`;
}

/** As `real`, 0.1 is the nearest `real`, as intended, but 16777217 would be another number: it is compared as a double. */
function realsOf(values: readonly string[]): string[] {
  const typed = values.map((value) => ({
    isReal: isReal(Number(value)),
    sql: `${literal(value)}::${catalogPrefix}float4`,
    wide: `${literal(value)}::${catalogPrefix}float8`,
  }));
  if (typed.every((it) => it.isReal)) return typed.map((it) => it.sql);
  return typed.map((it) => (it.isReal ? `${it.sql}::${catalogPrefix}float8` : it.wide));
}

/** Returns whether a number is the decimal form of a `real`, with up to the 9 digits that identify its 24 bits. */
function isReal(value: number): boolean {
  const nearest = Math.fround(value);
  return (
    !Number.isFinite(value) ||
    (Number.isFinite(nearest) &&
      [6, 7, 8, 9].some((digits) => Number(nearest.toPrecision(digits)) === value))
  );
}

const hasZone = /:\d{2}(\.\d+)?(Z|[+-]\d{2}(:?\d{2})?)( BC)?$/;

/** Converts to UTC, as `from` and `to` are. Otherwise PostgreSQL would drop the offset. */
const timestampOf = (value: string): string =>
  hasZone.test(value)
    ? `${catalogPrefix}timezone('UTC'::${catalogPrefix}text, ${literal(value)}::${catalogPrefix}timestamptz)`
    : `${literal(value)}::${catalogPrefix}"timestamp"`;

/** A date counts as midnight UTC, so it is compared with a time of day as a timestamp. */
const datesOf = (values: readonly string[]): string[] =>
  values.some((value) => value.includes(':'))
    ? values.map(timestampOf)
    : values.map((value) => `${literal(value)}::${catalogPrefix}date`);
