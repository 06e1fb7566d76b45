import { sizes } from '../contracts/sizes.ts';
import { withoutTrailing } from '../contracts/trim-trailing.ts';
import type { WhereCondition } from '../contracts/where.ts';
import type { WhereOperator } from '../contracts/where-operators.ts';
import type { SourceColumn } from './datasets.ts';

type ComparisonType = 'whole' | 'number' | 'text' | 'timestamp' | 'clock' | 'boolean' | 'other';

const equality = ['eq', 'ne', 'in', 'notIn', 'isNull', 'isDistinctFrom'] as const;
const ordered = [...equality, 'lt', 'lte', 'gt', 'gte', 'between'] as const;

/** The operators of a column, by how its type is compared. */
const operatorsOf: Record<ComparisonType, readonly WhereOperator[]> = {
  whole: ordered,
  number: ordered,
  text: [...ordered, 'like', 'ilike'],
  timestamp: ordered,
  clock: ordered,
  boolean: ['eq', 'ne', 'isNull', 'isDistinctFrom'],
  other: equality,
};

const isNumber = (value: unknown): boolean =>
  typeof value === 'number' ||
  (typeof value === 'string' &&
    value.length <= sizes.numberCharacters &&
    /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i.test(value));

/** Returns whether a value is a string that is short enough for a time and matches. */
const isTime = (value: unknown, pattern: RegExp): boolean =>
  typeof value === 'string' && value.length <= sizes.instantCharacters && pattern.test(value);

const aNumber = `a number, or a string with a number of at most ${sizes.numberCharacters} characters`;

/** Which values a column accepts, and their description for messages. */
const acceptedValues: Record<
  ComparisonType,
  { fits: (value: unknown) => boolean; description: string }
> = {
  whole: { fits: isNumber, description: aNumber },
  number: {
    fits: (value) => isNumber(value) || /^(NaN|-?Infinity)$/.test(String(value)),
    description: `${aNumber}, or "NaN", "Infinity", "-Infinity"`,
  },
  text: { fits: (value) => typeof value === 'string', description: 'a string' },
  timestamp: {
    fits: (value) =>
      isTime(
        value,
        /^(-?infinity|\d{4,7}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}(:?\d{2})?)?)?( BC)?)$/,
      ),
    description:
      'a date like 2026-03-01, a time like 2026-03-01T12:00:00Z, or "infinity", "-infinity"',
  },
  clock: {
    fits: (value) => isTime(value, /^\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?([+-]\d{2}(:?\d{2})?)?$/),
    description: 'a time of day like 12:00:00',
  },
  boolean: { fits: (value) => typeof value === 'boolean', description: 'true or false' },
  other: { fits: (value) => typeof value === 'string', description: 'a string' },
};

/** Returns whether the values of a column are text. */
export const isText = ({ base }: Pick<SourceColumn, 'base'>): boolean =>
  /^((text|character|character varying|name)\b[^[]*|bpchar|(.+\.)?citext)$/.test(base);

function comparisonTypeOf({ base }: SourceColumn): ComparisonType {
  if (/^(smallint|integer|bigint)$/.test(base)) return 'whole';
  if (/^(numeric|real|double precision)\b[^[]*$/.test(base)) return 'number';
  if (isText({ base })) return 'text';
  if (/^(date|timestamp)\b[^[]*$/.test(base)) return 'timestamp';
  if (/^time\b[^[]*$/.test(base)) return 'clock';
  return base === 'boolean' ? 'boolean' : 'other';
}

/**
 * What PostgreSQL silently drops from a value of a type, an array or a range: an offset without a time zone, a time of
 * day without a time, further digits.
 */
const droppedByType: readonly { type: RegExp; dropped: RegExp; description: string }[] = [
  {
    type: /^(time|timestamp)(\(\d\))? without time zone|^ts(multi)?range/,
    dropped: /:\d{2}(\.\d+)? *(?!BC)([a-z+]|-\d)/i,
    description: 'must have no offset from UTC: the type of the column has none',
  },
  {
    type: /^date(\[\]|range|multirange)/,
    dropped: /:/,
    description: 'must have no time of day: the type of the column has none',
  },
  {
    type: /^(time|interval|ts(tz)?(multi)?range)/,
    dropped: /\.\d{7}/,
    description: 'must have at most 6 digits of a second',
  },
  { type: /^money/, dropped: /\.\d{3}/, description: 'must have at most 2 digits after the point' },
  { type: /^(oid|xid|cid)\b/, dropped: /-/, description: 'must not be negative' },
];

function droppedFrom(
  { base }: SourceColumn,
  comparisonType: ComparisonType,
  value: unknown,
): string | null {
  // A timestamp without an offset is read as UTC, and one with an offset is converted to UTC.
  if (comparisonType === 'timestamp' || typeof value !== 'string') return null;
  return (
    droppedByType.find(({ type, dropped }) => type.test(base) && dropped.test(value))
      ?.description ?? null
  );
}

/** Returns the error of a condition on this column, as words that follow the name of the field; null if it is correct. */
export function validateCondition(
  column: SourceColumn,
  { op, value }: WhereCondition,
): { part: 'op' | 'value'; message: string; allowed?: string[] } | null {
  const comparisonType = comparisonTypeOf(column);
  const allowed = operatorsOf[comparisonType];
  if (!allowed.includes(op))
    return {
      part: 'op',
      message: `does not apply to ${column.name}, which is of type ${column.type}`,
      allowed: [...allowed],
    };
  if (op === 'isNull')
    return typeof value === 'boolean' ? null : { part: 'value', message: 'must be true or false' };
  const wrongValue = (message: string) => ({ part: 'value' as const, message });
  if (op === 'isDistinctFrom' && value === null) return null;
  const { fits, description } = acceptedValues[comparisonType];
  const isList = op === 'in' || op === 'notIn' || op === 'between';
  if (isList && !(Array.isArray(value) && value.every(fits)))
    return wrongValue(`must be an array, each item ${description}`);
  if (op === 'between' && Array.isArray(value) && value.length !== 2)
    return wrongValue('must be an array of two values: the first and the last');
  if (!isList && !fits(value)) return wrongValue(`must be ${description}`);
  if ((op === 'like' || op === 'ilike') && endsInEscape(String(value)))
    return wrongValue('must not end with a single backslash: write two for a literal one');
  const values = Array.isArray(value) ? value : [value];
  const message = values
    .map((it) => droppedFrom(column, comparisonType, it))
    .find((it) => it !== null);
  return message === undefined ? null : wrongValue(message);
}

/** PostgreSQL rejects such a pattern only when it reaches a row that matches the rest of the pattern. */
function endsInEscape(pattern: string): boolean {
  return (pattern.length - withoutTrailing(pattern, '\\').length) % 2 === 1;
}
