import type { WhereCondition } from '../contracts/export-request.ts';
import { sizes } from '../contracts/sizes.ts';
import { withoutTrailing } from '../contracts/trailing.ts';
import type { SourceColumn } from './datasets.ts';

type Operator = WhereCondition['op'];
type Kind = 'number' | 'text' | 'time' | 'boolean' | 'other';

const compared = ['eq', 'ne', 'lt', 'lte', 'gt', 'gte', 'in', 'isNull'] as const;

/** Which operators a column takes, by the kind of its type. */
const operatorsOf: Record<Kind, readonly Operator[]> = {
  number: compared,
  text: [...compared, 'like'],
  time: compared,
  boolean: ['eq', 'ne', 'isNull'],
  other: ['eq', 'ne', 'in', 'isNull'],
};

/** A value as it has to be spelled, and how that is said. */
const spellings: Record<Kind, { fits: (value: unknown) => boolean; said: string }> = {
  number: {
    fits: (value) =>
      typeof value === 'number' ||
      (typeof value === 'string' &&
        value.length <= sizes.numberCharacters &&
        /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i.test(value)),
    said: `a number, or one as a string of at most ${sizes.numberCharacters} characters`,
  },
  text: { fits: (value) => typeof value === 'string', said: 'a string' },
  time: {
    fits: (value) =>
      typeof value === 'string' &&
      value.length <= sizes.instantCharacters &&
      /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:?\d{2})?)?$/.test(value),
    said: 'a date like 2026-03-01 or a time like 2026-03-01T12:00:00Z',
  },
  boolean: { fits: (value) => typeof value === 'boolean', said: 'true or false' },
  other: { fits: (value) => typeof value === 'string', said: 'a string' },
};

function kindOf({ base }: SourceColumn): Kind {
  if (/^(smallint|integer|bigint|numeric|real|double precision)\b[^[]*$/.test(base))
    return 'number';
  if (/^((text|character|character varying|name)\b|([^.]+\.)?citext$)[^[]*$/.test(base))
    return 'text';
  if (/^(date|timestamp)\b[^[]*$/.test(base)) return 'time';
  return base === 'boolean' ? 'boolean' : 'other';
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
  const { fits, said } = spellings[kind];
  if (op === 'in')
    return Array.isArray(value) && value.every(fits)
      ? null
      : { part: 'value', message: `must be an array, each of them ${said}` };
  if (!fits(value)) return { part: 'value', message: `must be ${said}` };
  if (op === 'like' && endsInEscape(String(value)))
    return {
      part: 'value',
      message: 'must not end in a single backslash: write two of them for one',
    };
  return null;
}

/** PostgreSQL refuses such a pattern, but only once it comes to a row that the rest of the pattern fits. */
function endsInEscape(pattern: string): boolean {
  return (pattern.length - withoutTrailing(pattern, '\\').length) % 2 === 1;
}
