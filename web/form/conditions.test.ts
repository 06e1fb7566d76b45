import { expect, test } from '@jest/globals';
import { describeCondition, readConditions } from './conditions.ts';
import { readLinkedConditions } from './sent-conditions.ts';

test('the conditions of a link are sent as they are in the link', () => {
  const where = [
    { column: 'series', op: 'in', value: ['pump-1', 'pump-2'] },
    { column: 'value', op: 'gt', value: 3.5 },
    { column: 'unit', op: 'isNull', value: true },
  ];
  const conditions = readLinkedConditions(JSON.stringify(where)) ?? [];
  expect(readConditions(conditions, undefined)).toEqual({ where, errors: [] });
  const [first] = conditions;
  expect(first && describeCondition(first, undefined)).toContain('pump-1');
});

test.each([
  'series in (1)',
  '{"column":"a"}',
  '[{"column":"a","op":"drop","value":1}]',
  '[{"column":"a","op":"eq","value":{}}]',
  '[{"column":1,"op":"eq","value":1}]',
  '[{"column":"a","op":"eq","value":1,"more":2}]',
  JSON.stringify(Array.from({ length: 51 }, () => ({ column: 'a', op: 'eq', value: 1 }))),
])('conditions that the form cannot read are refused: %.60s', (text) => {
  expect(readLinkedConditions(text)).toBeNull();
});
