import type { ExportRequest } from '../../lib/contracts/export-request.ts';
import { sizes } from '../../lib/contracts/sizes.ts';
import type { Dataset } from '../../lib/contracts/sources.ts';
import { type WhereOperator, whereOperators } from '../../lib/contracts/where-operators.ts';
import { conditionText } from '../exports/condition-text.ts';
import { randomKey } from '../ui/idempotency-key.ts';

export type SentCondition = NonNullable<ExportRequest['where']>[number];

/** The operators of the form: those of the contract, with `isNull` as two. */
export type Operator = WhereOperator | 'isNotNull';

export const operatorNames: readonly Operator[] = whereOperators.flatMap((name): Operator[] =>
  name === 'isNull' ? ['isNull', 'isNotNull'] : [name],
);

/** What the user types for an operator: one value, the first and the last, a pattern, one value per line, or nothing. */
type Operand = 'value' | 'bounds' | 'pattern' | 'list' | 'none';

export const operators: Record<Operator, { label: string; operand: Operand }> = {
  eq: { label: 'is', operand: 'value' },
  ne: { label: 'is not', operand: 'value' },
  lt: { label: 'is less than', operand: 'value' },
  lte: { label: 'is at most', operand: 'value' },
  gt: { label: 'is more than', operand: 'value' },
  gte: { label: 'is at least', operand: 'value' },
  between: { label: 'is between', operand: 'bounds' },
  in: { label: 'is one of', operand: 'list' },
  notIn: { label: 'is not one of', operand: 'list' },
  like: { label: 'is like', operand: 'pattern' },
  ilike: { label: 'is like (ignoring case)', operand: 'pattern' },
  isNull: { label: 'is NULL', operand: 'none' },
  isNotNull: { label: 'is not NULL', operand: 'none' },
  isDistinctFrom: { label: 'is not (or is NULL)', operand: 'value' },
};

/** A condition in the form. */
export interface Condition {
  /** Identifies the condition while it is edited. */
  key: string;
  column: string;
  operator: Operator;
  /** The text as typed; several values have one line each. */
  text: string;
  /** The condition of the duplicated request; null after an edit. */
  sent: SentCondition | null;
  /** Whether the fields above can represent the condition. If not, it can only be removed. */
  editable: boolean;
}

export const newCondition = (column: string): Condition => ({
  key: randomKey(),
  column,
  operator: 'eq',
  text: '',
  sent: null,
  editable: true,
});

/** Returns the conditions of a request as conditions of the form. */
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
      // A text cannot represent NULL, and a line feed would end the value.
      editable: values.every((item) => item !== null && !/[\r\n]/.test(String(item))),
    };
  });

/** Returns the conditions to send, and an error for each condition that is not complete. */
export function readConditions(
  conditions: readonly Condition[],
  dataset: Dataset | undefined,
): { where: SentCondition[]; errors: string[] } {
  const where: SentCondition[] = [];
  const errors: string[] = [];
  for (const [place, condition] of conditions.entries()) {
    const result = condition.sent ?? readCondition(condition, dataset);
    if (typeof result === 'string') errors.push(`Condition ${place + 1}: ${result}`);
    else where.push(result);
  }
  return { where, errors };
}

/** Returns the condition to send, or what is missing. */
function readCondition(
  { column, operator, text }: Condition,
  dataset: Dataset | undefined,
): SentCondition | string {
  if (column === '') return 'choose a column.';
  if (operator === 'isNull' || operator === 'isNotNull')
    return { column, op: 'isNull', value: operator === 'isNull' };
  const type = dataset?.columns.find(({ name }) => name === column)?.type ?? '';
  const { operand } = operators[operator];
  if (operand === 'bounds') {
    const [first = '', last = ''] = text.split('\n');
    return first === '' || last === ''
      ? `type the first and the last value for ${column}.`
      : { column, op: operator, value: [first, last] };
  }
  if (operand === 'list') {
    const values = text.split('\n').filter((line) => line !== '');
    if (values.length === 0) return 'type at least one value, one per line.';
    if (values.length > sizes.listValues)
      return `type at most ${sizes.listValues.toLocaleString('en-GB')} values.`;
    return { column, op: operator, value: values };
  }
  // Only a column of a text type can have an empty value.
  if (text.trim() === '' && !isText(type)) return `type a value for ${column}.`;
  if (type === 'boolean' && (text === 'true' || text === 'false'))
    return { column, op: operator, value: text === 'true' };
  return { column, op: operator, value: text };
}

const isText = (type: string): boolean => /char|text|name/.test(type);

/** Returns a condition in words, `status = cancelled`, or `status …` while it is not complete. */
export function describeCondition(condition: Condition, dataset: Dataset | undefined): string {
  const result = condition.sent ?? readCondition(condition, dataset);
  return typeof result === 'string' ? `${condition.column} …` : conditionText(result);
}
