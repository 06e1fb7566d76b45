import { sizes } from '../../lib/contracts/sizes.ts';
import type { WhereCondition } from '../../lib/contracts/where.ts';
import { whereOperators } from '../../lib/contracts/where-operators.ts';
import { type Condition, conditionsOf, type SentCondition } from './conditions.ts';

/** Returns the conditions of a link, which are JSON as in the API; null if they cannot be read. */
export function readLinkedConditions(text: string): Condition[] | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return null;
  }
  if (!Array.isArray(parsed) || parsed.length > sizes.conditions) return null;
  const conditions = parsed.filter(isSentCondition);
  return conditions.length === parsed.length ? conditionsOf(conditions) : null;
}

/** Returns whether a value is a condition of the API. Its columns and its values are checked by the server. */
export function isSentCondition(value: unknown): value is SentCondition {
  const any = fieldsOf(value).get('any');
  return Array.isArray(any)
    ? fieldsOf(value).size === 1 && any.length > 0 && any.every(isSimpleCondition)
    : isSimpleCondition(value);
}

function isSimpleCondition(value: unknown): value is WhereCondition {
  const fields = fieldsOf(value);
  const [column, op, operand] = [fields.get('column'), fields.get('op'), fields.get('value')];
  const operands: unknown[] = Array.isArray(operand) ? operand : [operand];
  return (
    fields.size === 3 &&
    typeof column === 'string' &&
    whereOperators.some((name) => name === op) &&
    operands.every((item) => item === null || ['string', 'number', 'boolean'].includes(typeof item))
  );
}

export const fieldsOf = (value: unknown): Map<string, unknown> =>
  new Map<string, unknown>(
    typeof value === 'object' && value !== null ? Object.entries(value) : [],
  );
