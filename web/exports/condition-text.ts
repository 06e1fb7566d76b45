import type { ExportRequest } from '../../lib/contracts/export-request.ts';

type Item = NonNullable<ExportRequest['where']>[number];
type Condition = Exclude<Item, { any: unknown }>;

const signs: Record<Exclude<Condition['op'], 'isNull' | 'between'>, string> = {
  eq: '=',
  ne: '≠',
  lt: '<',
  lte: '≤',
  gt: '>',
  gte: '≥',
  in: 'in',
  notIn: 'not in',
  like: 'like',
  ilike: 'like (ignoring case)',
  isDistinctFrom: 'is distinct from',
};

/** `status = cancelled`, `currency in (EUR, USD)`, `paid_at is NULL`, `(a = 1 or b = 2)` */
export function conditionText(item: Item): string {
  if ('any' in item) {
    const either = item.any.map(conditionText).join(' or ');
    return item.any.length > 1 ? `(${either})` : either;
  }
  const { column, op, value } = item;
  if (op === 'isNull') return `${column} is ${value === true ? '' : 'not '}NULL`;
  const values = (Array.isArray(value) ? value : [value]).map(valueText);
  if (op === 'between') return `${column} between ${values.join(' and ')}`;
  const list = Array.isArray(value) ? `(${values.join(', ')})` : values.join('');
  return `${column} ${signs[op]} ${list}`;
}

/** Returns a value as text, in quotes where it could be misread. */
function valueText(value: string | number | boolean | null): string {
  if (value === null) return 'NULL';
  const text = String(value);
  return text === '' || text === 'NULL' || /^\s|\s$|[,()“”]/.test(text) ? `“${text}”` : text;
}
