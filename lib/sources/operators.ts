import { sizes } from '../contracts/sizes.ts';
import { withoutTrailing } from '../contracts/trailing.ts';
import type { Operator, WhereCondition } from '../contracts/where.ts';
import type { SourceColumn } from './datasets.ts';

type Kind = 'whole' | 'number' | 'text' | 'moment' | 'clock' | 'boolean' | 'other';

const equality = ['eq', 'ne', 'in', 'notIn', 'isNull', 'isDistinctFrom'] as const;
const ordered = [...equality, 'lt', 'lte', 'gt', 'gte', 'between'] as const;

/** Which operators a column takes, by the kind of its type. */
const operatorsOf: Record<Kind, readonly Operator[]> = {
  whole: ordered,
  number: ordered,
  text: [...ordered, 'like', 'ilike'],
  moment: ordered,
  clock: ordered,
  boolean: ['eq', 'ne', 'isNull', 'isDistinctFrom'],
  other: equality,
};

const isNumber = (value: unknown): boolean =>
  typeof value === 'number' ||
  (typeof value === 'string' &&
    value.length <= sizes.numberCharacters &&
    /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i.test(value));

/** A string that is short enough for a time and matches. */
const isTime = (value: unknown, pattern: RegExp): boolean =>
  typeof value === 'string' && value.length <= sizes.instantCharacters && pattern.test(value);

const aNumber = `a number, or one as a string of at most ${sizes.numberCharacters} characters`;

/** A value as it has to be spelled, and how that is said. */
const spellings: Record<Kind, { fits: (value: unknown) => boolean; said: string }> = {
  whole: { fits: isNumber, said: aNumber },
  number: {
    fits: (value) => isNumber(value) || /^(NaN|-?Infinity)$/.test(String(value)),
    said: `${aNumber}, or "NaN", "Infinity", "-Infinity"`,
  },
  text: { fits: (value) => typeof value === 'string', said: 'a string' },
  moment: {
    fits: (value) =>
      isTime(
        value,
        /^(-?infinity|\d{4,7}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}(:?\d{2})?)?)?( BC)?)$/,
      ),
    said: 'a date like 2026-03-01, a time like 2026-03-01T12:00:00Z, or "infinity", "-infinity"',
  },
  clock: {
    fits: (value) => isTime(value, /^\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?([+-]\d{2}(:?\d{2})?)?$/),
    said: 'a time of day like 12:00:00',
  },
  boolean: { fits: (value) => typeof value === 'boolean', said: 'true or false' },
  other: { fits: (value) => typeof value === 'string', said: 'a string' },
};

function kindOf({ base }: SourceColumn): Kind {
  if (/^(smallint|integer|bigint)$/.test(base)) return 'whole';
  if (/^(numeric|real|double precision)\b[^[]*$/.test(base)) return 'number';
  if (/^((text|character|character varying|name)\b[^[]*|bpchar|(.+\.)?citext)$/.test(base))
    return 'text';
  if (/^(date|timestamp)\b[^[]*$/.test(base)) return 'moment';
  if (/^time\b[^[]*$/.test(base)) return 'clock';
  return base === 'boolean' ? 'boolean' : 'other';
}

/**
 * What types leave out of a value without a word: an offset where they have no zone, a time of day where they
 * have none, digits. Of arrays and ranges, too.
 */
const dropped: readonly { by: RegExp; what: RegExp; said: string }[] = [
  {
    by: /^(time|timestamp)(\(\d\))? without time zone|^ts(multi)?range/,
    what: /:\d{2}(\.\d+)? *(?!BC)([a-z+]|-\d)/i,
    said: 'must have no offset from UTC: the type of the column has none',
  },
  {
    by: /^date(\[\]|range|multirange)/,
    what: /:/,
    said: 'must have no time of day: the type of the column has none',
  },
  {
    by: /^(time|interval|ts(tz)?(multi)?range)/,
    what: /\.\d{7}/,
    said: 'must have at most 6 digits of a second',
  },
  { by: /^money/, what: /\.\d{3}/, said: 'must have at most 2 digits after the point' },
  { by: /^(oid|xid|cid)\b/, what: /-/, said: 'must not be negative' },
];

function faultOfText({ base }: SourceColumn, kind: Kind, value: unknown): string | null {
  // A time without a zone is one of UTC; so is one with an offset, which is converted.
  if (kind === 'moment' || typeof value !== 'string') return null;
  return dropped.find(({ by, what }) => by.test(base) && what.test(value))?.said ?? null;
}

/** What is wrong with a condition on this column, in words that follow the name of the field; null if nothing is. */
export function faultOfCondition(
  column: SourceColumn,
  { op, value }: WhereCondition,
): { part: 'op' | 'value'; message: string; allowed?: string[] } | null {
  const kind = kindOf(column);
  const allowed = operatorsOf[kind];
  if (!allowed.includes(op))
    return {
      part: 'op',
      message: `is not for ${column.name}, which is of type ${column.type}`,
      allowed: [...allowed],
    };
  if (op === 'isNull')
    return typeof value === 'boolean' ? null : { part: 'value', message: 'must be true or false' };
  const wrong = (message: string) => ({ part: 'value' as const, message });
  if (op === 'isDistinctFrom' && value === null) return null;
  const { fits, said } = spellings[kind];
  const isList = op === 'in' || op === 'notIn' || op === 'between';
  if (isList && !(Array.isArray(value) && value.every(fits)))
    return wrong(`must be an array, each of them ${said}`);
  if (op === 'between' && Array.isArray(value) && value.length !== 2)
    return wrong('must be an array of two: the first and the last value');
  if (!isList && !fits(value)) return wrong(`must be ${said}`);
  if ((op === 'like' || op === 'ilike') && endsInEscape(String(value)))
    return wrong('must not end in a single backslash: write two of them for one');
  const values = Array.isArray(value) ? value : [value];
  const lost = values.map((it) => faultOfText(column, kind, it)).find((it) => it !== null);
  return lost === undefined ? null : wrong(lost);
}

/** PostgreSQL refuses such a pattern, but only once it comes to a row that the rest of the pattern fits. */
function endsInEscape(pattern: string): boolean {
  return (pattern.length - withoutTrailing(pattern, '\\').length) % 2 === 1;
}
