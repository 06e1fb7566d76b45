import { expect, test } from '@jest/globals';
import { allRows } from '../../sources/query.ts';
import { assertSameColumns } from './selection.ts';

function sourceWith(source: string, base: string) {
  const columns = [{ name: 'amount', type: 'price', base, nullable: true }];
  const dataset = { name: 't', schema: 'public', relation: 't', columns, timeColumn: null };
  return { source, selection: allRows({ ...dataset, kind: 'table', oid: 1, hasPages: true }) };
}

test('assertSameColumns accepts domains of one name only if their base types are the same', () => {
  const first = sourceWith('a', 'bigint');
  expect(() => assertSameColumns([first, sourceWith('b', 'bigint')])).not.toThrow();
  expect(() => assertSameColumns([first, sourceWith('b', 'integer')])).toThrow(
    'column 1 is amount price over bigint in a, amount price over integer in b',
  );
});
