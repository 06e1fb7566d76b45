import type { ExportRequest } from '../../lib/contracts/export-request.ts';
import { sizes } from '../../lib/contracts/sizes.ts';
import type { Dataset } from '../../lib/contracts/sources.ts';
import { conditionText, valuesOf } from '../exports/condition-text.ts';
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
  'in',
  'like',
  'isNull',
  'isNotNull',
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
  in: { words: 'is one of', takes: 'list' },
  like: { words: 'is like', takes: 'pattern' },
  isNull: { words: 'is NULL', takes: 'nothing' },
  isNotNull: { words: 'is not NULL', takes: 'nothing' },
};
type Takes = 'value' | 'pattern' | 'list' | 'nothing';

/** A condition as it stands in the form. */
export interface Condition {
  /** Tells it from the others while it is edited. */
  key: string;
  column: string;
  operator: Operator;
  /** As typed; of a list, a value a line. */
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
    const operator = operatorOf(sent);
    const values = valuesOf(sent);
    const lines = operator !== null && values.every((value) => !/[\r\n]/.test(value));
    return {
      ...newCondition('column' in sent ? sent.column : ''),
      operator: operator ?? 'eq',
      text: values.join('\n'),
      sent,
      editable: lines,
    };
  });

function operatorOf(sent: SentCondition): Operator | null {
  if (!('op' in sent)) return null;
  if (sent.op === 'isNull') return sent.value === true ? 'isNull' : 'isNotNull';
  return operatorNames.find((name) => name === sent.op) ?? null;
}

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
  if (operator === 'in') {
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

export const isText = (type: string): boolean => /char|text|name/.test(type);

/** Returns what a condition says, `status = cancelled`, also while it is not complete. */
export function inWords(condition: Condition, dataset: Dataset | undefined): string {
  const read = condition.sent ?? readCondition(condition, dataset);
  return typeof read === 'string' ? `${condition.column} …` : conditionText(read);
}
