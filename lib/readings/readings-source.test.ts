import { expect, test } from '@jest/globals';
import type { Grant } from '../contracts/grants.ts';
import { mayReadAll, readableSeries } from './readings-source.ts';

const grant = (more: Partial<Pick<Grant, 'columns' | 'where'>>) => ({
  columns: {},
  where: [],
  ...more,
});
const ofSeries = (...names: string[]) => ({ column: 'series', op: 'in' as const, value: names });

test.each([
  ['no grant', undefined, 'none'],
  ['a grant of everything', grant({}), 'all'],
  ['columns that no chart shows', grant({ columns: { attributes: 'drop', at: 'allow' } }), 'all'],
  ['a masked value', grant({ columns: { value: 'mask' } }), 'unsupported'],
  ['a hashed series', grant({ columns: { series: 'hash' } }), 'unsupported'],
  ['a dropped time', grant({ columns: { at: 'drop' } }), 'unsupported'],
  ['some series', grant({ where: [ofSeries('a', 'b')] }), new Set(['a', 'b'])],
  ['one series', grant({ where: [{ column: 'series', op: 'eq', value: 'a' }] }), new Set(['a'])],
  [
    'conditions together',
    grant({ where: [ofSeries('a', 'b'), ofSeries('b', 'c')] }),
    new Set(['b']),
  ],
  [
    'alternatives',
    grant({ where: [{ any: [ofSeries('a'), ofSeries('c')] }] }),
    new Set(['a', 'c']),
  ],
  ['a pattern', grant({ where: [{ column: 'series', op: 'like', value: 'a%' }] }), 'unsupported'],
  ['another column', grant({ where: [{ column: 'value', op: 'eq', value: 1 }] }), 'unsupported'],
  [
    'an alternative of another column',
    grant({ where: [{ any: [ofSeries('a'), { column: 'value', op: 'gt', value: 1 }] }] }),
    'unsupported',
  ],
])('readableSeries of %s', (_, granted, expected) => {
  expect(readableSeries(granted)).toEqual(expected);
});

test('mayReadAll needs each series, and rejects what cannot be applied', () => {
  expect(mayReadAll('all', new Set(['a']))).toBe(true);
  expect(mayReadAll(new Set(['a', 'b']), new Set(['a']))).toBe(true);
  expect(mayReadAll(new Set(['a']), new Set(['a', 'b']))).toBe(false);
  expect(mayReadAll('none', new Set(['a']))).toBe(false);
  expect(mayReadAll('unsupported', new Set(['a']))).toBe(false);
});
