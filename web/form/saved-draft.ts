import { consistencies } from '../../lib/contracts/format-capabilities.ts';
import { noDateTime, type TypedDateTime } from '../time/range.ts';
import { type Condition, operatorNames } from './conditions.ts';
import { type Draft, emptyDraft, oneOf } from './draft.ts';
import { readChoices } from './last-choices.ts';
import { fieldsOf, isSentCondition } from './sent-conditions.ts';

/** Returns the draft that this tab kept over a reload; null if it cannot be read in full. */
export function readSavedDraft(saved: unknown): Draft | null {
  const fields = fieldsOf(saved);
  const range = fieldsOf(fields.get('range'));
  const conditions = readConditions(fields.get('conditions'));
  // Without one of its conditions the draft would export more rows.
  if (conditions === null) return null;
  const [name, timeZone, kept] = [fields.get('name'), fields.get('timeZone'), fields.get('kept')];
  return {
    ...emptyDraft,
    ...readChoices(saved),
    range: { from: readDateTime(range.get('from')), to: readDateTime(range.get('to')) },
    conditions,
    order: oneOf(['any', 'time'] as const, fields.get('order')) ?? emptyDraft.order,
    timeZone: typeof timeZone === 'string' ? timeZone : null,
    timeOffset: fields.get('timeOffset') === true,
    consistency: oneOf(consistencies, fields.get('consistency')) ?? emptyDraft.consistency,
    name: typeof name === 'string' ? name : '',
    kept: Object.fromEntries(fieldsOf(kept)),
  };
}

function readDateTime(saved: unknown): TypedDateTime {
  const fields = fieldsOf(saved);
  const [date, time] = [fields.get('date'), fields.get('time')];
  return typeof date === 'string' && typeof time === 'string' ? { date, time } : noDateTime;
}

function readConditions(saved: unknown): Condition[] | null {
  if (!Array.isArray(saved)) return null;
  const conditions = saved.map(readCondition).filter((condition) => condition !== null);
  return conditions.length === saved.length ? conditions : null;
}

function readCondition(saved: unknown): Condition | null {
  const fields = fieldsOf(saved);
  const [key, column, text] = [fields.get('key'), fields.get('column'), fields.get('text')];
  const operator = oneOf(operatorNames, fields.get('operator'));
  const sent = fields.get('sent') ?? null;
  if (typeof key !== 'string' || typeof column !== 'string' || typeof text !== 'string')
    return null;
  if (operator === undefined || (sent !== null && !isSentCondition(sent))) return null;
  return { key, column, operator, text, sent, editable: fields.get('editable') === true };
}
