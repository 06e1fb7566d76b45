import type { WhereCondition } from '../contracts/where.ts';
import { numberText } from '../runtime/exact-number.ts';
import type { Comparison } from './comparisons.ts';
import type { SourceColumn, SourceDataset } from './datasets.ts';
import { columnOf, literal, operator, rowsOf } from './sql-text.ts';

/** A condition on a column, held against its type, and how that is compared. */
export interface ColumnCondition {
  column: SourceColumn;
  comparison: Comparison;
  op: WhereCondition['op'];
  value: WhereCondition['value'];
}

/** Of several one has to hold. */
export type Condition = ColumnCondition | { any: readonly ColumnCondition[] };

export const conditionSql = (condition: Condition): string =>
  'any' in condition ? `(${condition.any.map(columnSql).join(' or ')})` : columnSql(condition);

const orders = { lt: '<', lte: '<=', gt: '>', gte: '>=' } as const;

/** `ne` is what `eq` is not, for values; what both say of NULL is NULL. `is null` would take a row of NULLs for it. */
function columnSql(condition: ColumnCondition): string {
  const { column, comparison, op, value } = condition;
  const isNull = `${columnOf(column)} is not distinct from null`;
  if (value === null) return `${columnOf(column)} is distinct from null`;
  if (op === 'isNull') return value === true ? isNull : `${columnOf(column)} is distinct from null`;
  const values = (Array.isArray(value) ? value : [value]).map((it) =>
    typeof it === 'number' ? numberText(it) : String(it),
  );
  const sides = sidesOf(column, comparison, values);
  const [one = '', other = ''] = sides.values;
  const compared = (name: string, side: string): string =>
    `${sides.column} ${operator(name, sides.schemas[name])} ${side}`;
  switch (op) {
    case 'like':
    case 'ilike':
      return likeSql(condition);
    case 'eq':
      return compared('=', one);
    case 'ne':
      return `not (${compared('=', one)})`;
    case 'isDistinctFrom':
      return `(${compared('=', one)}) is not true`;
    case 'lt':
    case 'lte':
    case 'gt':
    case 'gte':
      return compared(orders[op], one);
    case 'between':
      return `(${compared('>=', one)} and ${compared('<=', other)})`;
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

/** Patterns are texts, whatever they are held against: one of char(n) would lose its blanks. */
function likeSql(
  { column, comparison, op, value }: ColumnCondition,
  held = (subject: string): string => subject,
): string {
  const { type, isCast, comparedAs, schemas } = comparison;
  const name = op === 'ilike' ? '~~*' : '~~';
  const schema = schemas[name];
  const subject = held(isCast ? `${columnOf(column)}::${type}` : columnOf(column));
  const patternType = schema === undefined ? 'pg_catalog.text' : comparedAs;
  return `${subject} ${operator(name, schema)} ${literal(String(value))}::${patternType}`;
}

const isPattern = ({ op }: ColumnCondition): boolean => op === 'like' || op === 'ilike';

/**
 * A statement that reads no row and fails where the patterns of these conditions would at the first one: they are
 * not for every collation. Null if there is no pattern.
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

const own = 'pg_catalog.';

/**
 * Both sides of a comparison: the column, cast only where it is of a domain, so that an index on it serves, and
 * the values, all of one type, which is that of the column wherever it holds them.
 */
function sidesOf(column: SourceColumn, comparison: Comparison, values: string[]): Sides {
  const { type, isCast, isByText, schemas } = comparison;
  const subject = columnOf(column);
  const typed = (as: string) => values.map((value) => `${literal(value)}::${as}`);
  if (isByText) {
    const written = (it: string): string => `${own}format('%s', ${it})`;
    return {
      column: `case when ${own}num_nulls(${subject}) = 0 then ${written(subject)} end`,
      values: typed(type).map(written),
      schemas: {},
    };
  }
  const as = cutting[type];
  if (as !== undefined)
    return {
      column: `${subject}::${as}`,
      values: typed(as),
      schemas: {},
    };
  const cast = isCast ? `${subject}::${type}` : subject;
  if (type in wholeNumbers)
    return { column: cast, values: typed(wideEnough(type, values)), schemas };
  if (type === `${own}float4`) return { column: cast, values: realsOf(values), schemas };
  if (type === `${own}"date"` || type === `${own}date`)
    return { column: cast, values: datesOf(values), schemas };
  if (type === `${own}"timestamp"`)
    return { column: cast, values: values.map(timestampOf), schemas };
  return { column: cast, values: typed(type), schemas };
}

/** Types that cut what is read as them, and the type that does not. */
const cutting: Record<string, string> = {
  [`${own}name`]: `${own}text`,
  [`${own}"char"`]: `${own}text`,
  [`${own}_name`]: `${own}_text`,
  [`${own}_char`]: `${own}_text`,
};

const wholeNumbers: Record<string, bigint> = {
  [`${own}int2`]: 2n ** 15n,
  [`${own}int4`]: 2n ** 31n,
  [`${own}int8`]: 2n ** 63n,
};

/** The first type from that of the column on that holds all of them: no number is out of range of a comparison. */
function wideEnough(type: string, values: readonly string[]): string {
  if (!values.every((value) => /^[-+]?\d+$/.test(value))) return `${own}numeric`;
  const numbers = values.map(BigInt);
  const holds = (limit: bigint): boolean => numbers.every((it) => it >= -limit && it < limit);
  const candidates = type === `${own}int8` ? [type] : [type, `${own}int8`];
  return candidates.find((it) => holds(wholeNumbers[it] ?? 0n)) ?? `${own}numeric`;
}

/** `real` reads 0.1 as one of its values and 16777217 as another number: that is compared as a double. */
function realsOf(values: readonly string[]): string[] {
  const typed = values.map((value) => ({
    isReal: isReal(Number(value)),
    sql: `${literal(value)}::${own}float4`,
    wide: `${literal(value)}::${own}float8`,
  }));
  if (typed.every((it) => it.isReal)) return typed.map((it) => it.sql);
  return typed.map((it) => (it.isReal ? `${it.sql}::${own}float8` : it.wide));
}

/** Whether it is a spelling of a value of 24 bits, of which nine digits are enough. */
function isReal(value: number): boolean {
  const nearest = Math.fround(value);
  return (
    !Number.isFinite(value) ||
    (Number.isFinite(nearest) &&
      [6, 7, 8, 9].some((digits) => Number(nearest.toPrecision(digits)) === value))
  );
}

const hasZone = /:\d{2}(\.\d+)?(Z|[+-]\d{2}(:?\d{2})?)( BC)?$/;

/** As `from` and `to` are: the time of the clocks of UTC. Without this PostgreSQL drops the offset. */
const timestampOf = (value: string): string =>
  hasZone.test(value)
    ? `${own}timezone('UTC'::${own}text, ${literal(value)}::${own}timestamptz)`
    : `${literal(value)}::${own}"timestamp"`;

/** A date is its midnight, UTC: it is compared with a time of day as with another moment. */
const datesOf = (values: readonly string[]): string[] =>
  values.some((value) => value.includes(':'))
    ? values.map(timestampOf)
    : values.map((value) => `${literal(value)}::${own}date`);
