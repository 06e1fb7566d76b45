import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { sizes } from '../contracts/sizes.ts';
import { operators } from '../contracts/where.ts';
import { faultOfCondition } from './operators.ts';

test.each([
  { base: 'text', like: true, lt: true },
  { base: 'character varying(9)', like: true, lt: true },
  { base: 'citext', like: true, lt: true },
  { base: 'extensions.citext', like: true, lt: true },
  { base: 'numeric(12,2)', like: false, lt: true },
  { base: 'timestamp(3) with time zone', like: false, lt: true },
  { base: 'citext[]', like: false, lt: false },
  { base: 'text[]', like: false, lt: false },
  { base: 'integer[]', like: false, lt: false },
  { base: 'textual', like: false, lt: false },
  { base: 'boolean', like: false, lt: false },
])('a column of a domain over $base takes the operators of that', ({ base, like, lt }) => {
  const column = { name: 'x', type: 'own', base, nullable: true };
  const taken = (op: 'like' | 'lt'): boolean =>
    faultOfCondition(column, { column: 'x', op, value: '1' })?.part !== 'op';
  expect({ like: taken('like'), lt: taken('lt') }).toEqual({ like, lt });
});

const columnOf = (base: string) => ({ name: 'x', type: base, base, nullable: true });

describe('a number as a string', () => {
  const fits = (value: string): boolean =>
    faultOfCondition(columnOf('numeric'), { column: 'x', op: 'eq', value }) === null;

  test.each([
    '0',
    '-1',
    '+1.',
    '.5',
    '1.50',
    '1e5',
    '-1.5E-10',
    '9'.repeat(sizes.numberCharacters),
  ])('%s is one', (value) => expect(fits(value)).toBe(true));

  test.each(['', '.', 'e5', '1e', '1..2', '1.2.3', '0x10', ' 1', '1 ', 'nan', '1_0'])(
    '%j is none',
    (value) => expect(fits(value)).toBe(false),
  );

  test('has a size, in a list too', () => {
    const value = '9'.repeat(sizes.numberCharacters + 1);
    expect(fits(value)).toBe(false);
    const fault = faultOfCondition(columnOf('bigint'), {
      column: 'x',
      op: 'in',
      value: [1, value],
    });
    expect(fault?.message).toContain('at most 200 characters');
  });

  test('is what JavaScript takes for one, but for its other spellings', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[-+.0-9eE]{1,12}$/), (text) => {
        expect(fits(text)).toBe(text !== '' && !Number.isNaN(Number(text)));
      }),
      { numRuns: 2_000, examples: [[`${'1'.repeat(40)}x`], ['1.'], ['.1'], ['.']] },
    );
  });
});

test.each([
  ['a\\', false],
  ['a\\\\', true],
  ['a\\\\\\', false],
  ['\\%', true],
  ['\\', false],
  ['', true],
  ['%', true],
])('like %j is taken: %j', (value, taken) => {
  const like = faultOfCondition(columnOf('text'), { column: 'x', op: 'like', value });
  expect(like).toEqual(
    taken ? null : { part: 'value', message: expect.stringContaining('backslash') },
  );
  // To be equal to it any text will do.
  expect(faultOfCondition(columnOf('text'), { column: 'x', op: 'eq', value })).toBeNull();
});

test('whatever the value, it is taken or named', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(
        'bigint',
        'text',
        'date',
        'boolean',
        'uuid',
        'tsrange',
        'time(3) with time zone',
      ),
      fc.constantFrom(...operators),
      fc.oneof(fc.string(), fc.double(), fc.boolean(), fc.array(fc.string(), { minLength: 1 })),
      (base, op, value) => {
        const fault = faultOfCondition(columnOf(base), { column: 'x', op, value });
        if (fault) expect(['op', 'value']).toContain(fault.part);
      },
    ),
  );
});
