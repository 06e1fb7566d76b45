import { expect, test } from '@jest/globals';
import { everything } from '../sources/query.ts';
import { requireAgreement } from './selection.ts';

const of = (source: string, base: string) => {
  const columns = [{ name: 'amount', type: 'price', base, nullable: true }];
  const dataset = { name: 't', schema: 'public', relation: 't', columns, timeColumn: null };
  return { source, selection: everything({ ...dataset, kind: 'table', oid: 1, hasPages: true }) };
};

test('sources whose domains have one name agree only if they are over the same', () => {
  expect(() => requireAgreement([of('a', 'bigint'), of('b', 'bigint')])).not.toThrow();
  expect(() => requireAgreement([of('a', 'bigint'), of('b', 'integer')])).toThrow(
    'column 1 is amount price over bigint in a, amount price over integer in b',
  );
});
