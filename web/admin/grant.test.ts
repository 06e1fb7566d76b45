import { expect, test } from '@jest/globals';
import type { AccountGrant } from '../../lib/contracts/grants.ts';
import type { SourceDescription } from '../../lib/contracts/sources.ts';
import { editedOf, grantText, newGrant, readGrant } from './grant.ts';

const sources: SourceDescription[] = [
  {
    name: 'sales',
    datasets: [
      {
        name: 'customers',
        kind: 'table',
        timeColumn: null,
        earliest: null,
        latest: null,
        estimatedRows: 3,
        columns: [
          { name: 'email', type: 'text', nullable: false },
          { name: 'active', type: 'boolean', nullable: false },
        ],
      },
    ],
  },
];

const grant: AccountGrant = {
  source: 'sales',
  dataset: 'customers',
  columns: { email: 'drop', phone: 'mask', name: 'hash', id: 'allow' },
  where: [{ column: 'country', op: 'in', value: ['AT', 'CH'] }],
};

test('a grant that was not changed is sent as it was', () => {
  expect(readGrant(editedOf(grant), sources)).toEqual({ grant, errors: [] });
  const whole: AccountGrant = { source: 'sales', dataset: '*' };
  expect(readGrant(editedOf(whole), sources)).toEqual({ grant: whole, errors: [] });
});

test('a grant says in words what the account sees', () => {
  const edited = editedOf(grant);
  expect(grantText(edited, [edited], sources)).toBe(
    'customers of sales, without email, phone masked, name hashed, only rows with country in (AT, CH)',
  );
  const whole = newGrant('sales');
  expect(grantText(whole, [whole, newGrant('iot')], sources)).toBe('every dataset of sales');
  expect(grantText(whole, [edited, whole], sources)).toBe('every other dataset of sales');
});

test('a grant without a source, a dataset or the value of a condition has errors', () => {
  const edited = { ...editedOf(grant), source: '', dataset: ' ' };
  expect(readGrant(edited, sources).errors).toEqual(['choose a source.', 'enter a dataset.']);
});
