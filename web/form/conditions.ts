import type { ExportRequest } from '../../lib/contracts/export-request.ts';
import { sizes } from '../../lib/contracts/sizes.ts';
import type { Dataset } from '../../lib/contracts/sources.ts';
import { conditionText } from '../exports/condition-text.ts';
import { newKey } from '../ui/key.ts';

export type SentCondition = NonNullable<ExportRequest['where']>[number];

/** The comparisons to choose from; NULL and not NULL are two of them. */
export const operatorNames = [
  'eq',
  'ne',
  'lt',
  'lte',
  'gt',
  'gte',
  'between',
  'in',
  'notIn',
  'like',
  'ilike',
  'isNull',
  'isNotNull',
  'isDistinctFrom',
] as const;
export type Operator = (typeof operatorNames)[number];

/** How each of them is said, and what is typed beside it. */
export const operators: Record<Operator, { words: string; takes: Takes }> = {
  eq: { words: 'is', takes: 'value' },
  ne: { words: 'is not', takes: 'value' },
  lt: { words: 'is less than', takes: 'value' },
  lte: { words: 'is at most', takes: 'value' },
  gt: { words: 'is more than', takes: 'value' },
  gte: { words: 'is at least', takes: 'value' },
  between: { words: 'is between', takes: 'two' },
  in: { words: 'is one of', takes: 'list' },
  notIn: { words: 'is none of', takes: 'list' },
  like: { words: 'is like', takes: 'pattern' },
  ilike: { words: 'is like, in any case', takes: 'pattern' },
  isNull: { words: 'is NULL', takes: 'nothing' },
  isNotNull: { words: 'is not NULL', takes: 'nothing' },
  isDistinctFrom: { words: 'is not, or is NULL', takes: 'value' },
};
type Takes = 'value' | 'two' | 'pattern' | 'list' | 'nothing';

/** A condition as it stands in the form. */
export interface Condition {
  /** Tells it from the others while it is edited. */
  key: string;
  column: string;
  operator: Operator;
  /** As typed; of several values, one a line. */
  text: string;
  /** As it was asked for before; null as soon as it is changed here. */
  sent: SentCondition | null;
  /** Whether the fields above say all of it; else it can only be taken away. */
  editable: boolean;
}

export const newCondition = (column: string): Condition => ({
  key: newKey(),
  column,
  operator: 'eq',
  text: '',
  sent: null,
  editable: true,
});

/** Returns the conditions of a request as they stand in the form. */
export const conditionsOf = (where: readonly SentCondition[]): Condition[] =>
  where.map((sent) => {
    if ('any' in sent) return { ...newCondition(''), sent, editable: false };
    const { column, op, value } = sent;
    if (op === 'isNull')
      return { ...newCondition(column), operator: value === true ? 'isNull' : 'isNotNull', sent };
    const values = Array.isArray(value) ? value : [value];
    return {
      ...newCondition(column),
      operator: op,
      text: values.map(String).join('\n'),
      sent,
      // NULL is no text, and a line feed would be the end of a value.
      editable: values.every((it) => it !== null && !/[\r\n]/.test(String(it))),
    };
  });

/** Returns the conditions as they are sent, and what is wrong with those that cannot be. */
export function readConditions(
  conditions: readonly Condition[],
  dataset: Dataset | undefined,
): { where: SentCondition[]; errors: string[] } {
  const where: SentCondition[] = [];
  const errors: string[] = [];
  for (const [place, condition] of conditions.entries()) {
    const read = condition.sent ?? readCondition(condition, dataset);
    if (typeof read === 'string') errors.push(`Condition ${place + 1}: ${read}`);
    else where.push(read);
  }
  return { where, errors };
}

function readCondition(
  { column, operator, text }: Condition,
  dataset: Dataset | undefined,
): SentCondition | string {
  if (column === '') return 'choose a column.';
  if (operator === 'isNull' || operator === 'isNotNull')
    return { column, op: 'isNull', value: operator === 'isNull' };
  const type = dataset?.columns.find(({ name }) => name === column)?.type ?? '';
  const { takes } = operators[operator];
  if (takes === 'two') {
    const [first = '', last = ''] = text.split('\n');
    return first === '' || last === ''
      ? `type the first and the last value for ${column}.`
      : { column, op: operator, value: [first, last] };
  }
  if (takes === 'list') {
    const values = text.split('\n').filter((line) => line !== '');
    if (values.length === 0) return 'type at least one value, one a line.';
    if (values.length > sizes.listValues)
      return `type at most ${sizes.listValues.toLocaleString('en-GB')} values.`;
    return { column, op: operator, value: values };
  }
  // An empty text is a value, of texts alone.
  if (text.trim() === '' && !isText(type)) return `type a value for ${column}.`;
  if (type === 'boolean' && (text === 'true' || text === 'false'))
    return { column, op: operator, value: text === 'true' };
  return { column, op: operator, value: text };
}

const isText = (type: string): boolean => /char|text|name/.test(type);

/** Returns what a condition says, `status = cancelled`, also while it is not complete. */
export function inWords(condition: Condition, dataset: Dataset | undefined): string {
  const read = condition.sent ?? readCondition(condition, dataset);
  return typeof read === 'string' ? `${condition.column} …` : conditionText(read);
}
