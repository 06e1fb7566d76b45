import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { sizes } from '../contracts/sizes.ts';
import { whereOperators } from '../contracts/where-operators.ts';
import { validateCondition } from './operators.ts';

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
])(
  'validateCondition accepts the operators of $base for a domain over it',
  ({ base, like, lt }) => {
    const column = { name: 'x', type: 'own', base, nullable: true };
    const accepted = (op: 'like' | 'lt'): boolean =>
      validateCondition(column, { column: 'x', op, value: '1' })?.part !== 'op';
    expect({ like: accepted('like'), lt: accepted('lt') }).toEqual({ like, lt });
  },
);

const columnOf = (base: string) => ({ name: 'x', type: base, base, nullable: true });

describe('validateCondition with a number as a string', () => {
  const fits = (value: string): boolean =>
    validateCondition(columnOf('numeric'), { column: 'x', op: 'eq', value }) === null;

  test.each([
    '0',
    '-1',
    '+1.',
    '.5',
    '1.50',
    '1e5',
    '-1.5E-10',
    '9'.repeat(sizes.numberCharacters),
  ])('accepts %s', (value) => expect(fits(value)).toBe(true));

  test.each(['', '.', 'e5', '1e', '1..2', '1.2.3', '0x10', ' 1', '1 ', 'nan', '1_0'])(
    'rejects %j',
    (value) => expect(fits(value)).toBe(false),
  );

  test('limits its characters, in a list too', () => {
    const value = '9'.repeat(sizes.numberCharacters + 1);
    expect(fits(value)).toBe(false);
    const error = validateCondition(columnOf('bigint'), {
      column: 'x',
      op: 'in',
      value: [1, value],
    });
    expect(error?.message).toContain('at most 200 characters');
  });

  test('accepts what JavaScript converts to a number, except hexadecimal and other notations', () => {
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
])('validateCondition with like %j accepts it: %j', (value, accepted) => {
  const like = validateCondition(columnOf('text'), { column: 'x', op: 'like', value });
  expect(like).toEqual(
    accepted ? null : { part: 'value', message: expect.stringContaining('backslash') },
  );
  // The operator eq accepts any text.
  expect(validateCondition(columnOf('text'), { column: 'x', op: 'eq', value })).toBeNull();
});

test('validateCondition names the operator or the value of whatever it rejects', () => {
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
      fc.constantFrom(...whereOperators),
      fc.oneof(fc.string(), fc.double(), fc.boolean(), fc.array(fc.string(), { minLength: 1 })),
      (base, op, value) => {
        const error = validateCondition(columnOf(base), { column: 'x', op, value });
        if (error) expect(['op', 'value']).toContain(error.part);
      },
    ),
  );
});
