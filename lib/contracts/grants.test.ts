import { expect, test } from '@jest/globals';
import { grantsSchema } from './grants.ts';

const grant = { source: 'sales', dataset: 'orders' };
const errorsOf = (grants: unknown): string[] =>
  grantsSchema
    .safeParse(typeof grants === 'string' ? JSON.parse(grants) : { grants })
    .error?.issues.map(({ path, message }) => `${path.join('.')} ${message}`) ?? [];

test('a grant has all columns and rows unless it says otherwise', () => {
  expect(grantsSchema.parse({ grants: [grant] })).toEqual({
    grants: [{ ...grant, columns: {}, where: [] }],
  });
});

test('a dataset has one grant in a source', () => {
  expect(errorsOf([grant, { ...grant, dataset: '*' }, { ...grant, source: 'iot' }])).toEqual([]);
  expect(errorsOf([grant, grant])).toEqual(['grants.1.dataset has two grants in one source']);
});

test('a policy that zod would leave out is rejected', () => {
  const named = (name: string): string =>
    `{"grants":[{"source":"sales","dataset":"orders","columns":{"${name}":"drop"}}]}`;
  expect(errorsOf(named('__proto__'))).toEqual(['grants.0.columns cannot name __proto__']);
  expect(errorsOf(named('constructor'))).toEqual([]);
});

test.each([
  ['policy', { ...grant, columns: { a: 'show' } }, 'grants.0.columns.a'],
  ['columns', { ...grant, columns: 'all' }, 'grants.0.columns'],
  ['condition', { ...grant, where: [{ column: 'a', op: 'about', value: 1 }] }, 'grants.0.where.0'],
  ['field', { ...grant, rows: [] }, 'grants.0'],
  ['dataset', { source: 'sales', dataset: '' }, 'grants.0.dataset'],
])('a wrong %s is named', (_, wrong, field) => {
  expect(errorsOf([wrong])[0]).toMatch(new RegExp(`^${field.replaceAll('.', '\\.')}`));
});
