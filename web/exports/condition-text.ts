import type { ExportRequest } from '../../lib/contracts/export-request.ts';

type Condition = NonNullable<ExportRequest['where']>[number];

const signs = {
  eq: '=',
  ne: '≠',
  lt: '<',
  lte: '≤',
  gt: '>',
  gte: '≥',
  in: 'in',
  like: 'like',
} as const;

/** Returns the values of a condition as texts; of NULL or not there are none. */
export function valuesOf(condition: Condition): string[] {
  const { op, value } = condition;
  if (op === 'isNull') return [];
  return (Array.isArray(value) ? value : [value]).map(String);
}

/** `status = cancelled`, `currency in (EUR, USD)`, `paid_at is NULL` */
export function conditionText(condition: Condition): string {
  const { column, op, value } = condition;
  if (op === 'isNull') return `${column} is ${value === true ? '' : 'not '}NULL`;
  const values = valuesOf(condition).map(quoted);
  const list = Array.isArray(value) ? `(${values.join(', ')})` : values.join('');
  return `${column} ${signs[op]} ${list}`;
}

/** A text that could be misread stands in quotes. */
const quoted = (text: string): string =>
  text === '' || /^\s|\s$|[,()“”]/.test(text) ? `“${text}”` : text;
