import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { canonicalInstant } from './canonical-instant.ts';
import { instantSchema, isAfter } from './instant.ts';
import { sizes } from './sizes.ts';
import { withoutTrailing } from './trim-trailing.ts';

describe('canonicalInstant', () => {
  test.each([
    ['2024-03-01T00:00:00Z', '2024-03-01T00:00:00Z'],
    ['2024-03-01t00:00:00z', '2024-03-01T00:00:00Z'],
    ['2024-03-01T01:30:00+01:30', '2024-03-01T00:00:00Z'],
    ['2024-02-29T23:00:00-02:00', '2024-03-01T01:00:00Z'],
    ['2024-03-01T00:00:00.120000Z', '2024-03-01T00:00:00.12Z'],
    ['2024-03-01T00:00:00.123456Z', '2024-03-01T00:00:00.123456Z'],
    ['2024-03-01T00:00:00.000000000Z', '2024-03-01T00:00:00Z'],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00Z'],
  ])('canonicalInstant returns %s as %s', (text, instant) => {
    expect(canonicalInstant(text)).toEqual({ instant });
  });

  test.each([
    '2024-03-01',
    '2024-03-01T00:00Z',
    '2024-03-01T00:00:00',
    '2024-02-30T00:00:00Z',
    '2023-02-29T00:00:00Z',
    '2024-13-01T00:00:00Z',
    '2024-03-01T24:00:00Z',
    '2024-03-01T00:60:00Z',
    '2024-03-01T00:00:00.1234567Z',
    '0000-01-01T00:00:00Z',
    '0001-01-01T00:00:00+05:00',
    '9999-12-31T23:59:59-05:00',
    '2024-03-01T00:00:00+24:00',
    ' 2024-03-01T00:00:00Z',
    '1709251200',
    '',
  ])('canonicalInstant rejects %j', (text) => {
    expect(canonicalInstant(text)).toHaveProperty('wrong');
  });
});

test.each([
  ['2024-03-01T00:00:00Z', '2024-03-01T00:00:00.5Z', false],
  ['2024-03-01T00:00:00.5Z', '2024-03-01T00:00:00Z', true],
  ['2024-03-01T00:00:00.12Z', '2024-03-01T00:00:00.123Z', false],
  ['2024-03-01T00:00:01Z', '2024-03-01T00:00:00.999999Z', true],
  ['2024-03-01T00:00:00Z', '2024-03-01T00:00:00Z', false],
])('isAfter(%s, %s) returns %s', (a, b, after) => {
  expect(isAfter(a, b)).toBe(after);
});

const digits = fc.stringMatching(/^[0-9]{1,9}$/);
/** Valid, nearly valid and arbitrary date-times. */
const written = fc.oneof(
  fc
    .tuple(
      fc.date({ min: new Date('0001-01-02'), max: new Date('9999-12-30'), noInvalidDate: true }),
      digits,
      fc.constantFrom('Z', 'z', '+01:30', '-23:59', '+24:00', ''),
    )
    .map(([date, fraction, zone]) => `${date.toISOString().slice(0, 19)}.${fraction}${zone}`),
  fc.stringMatching(/^[-0-9TZ:.+ ]{0,45}$/),
  fc.string({ unit: 'binary' }),
);

test('canonicalInstant returns the same instant, and is idempotent', () => {
  fc.assert(
    fc.property(written, (text) => {
      const read = canonicalInstant(text);
      if ('wrong' in read) return expect(instantSchema.safeParse(text).success).toBe(false);
      expect(canonicalInstant(read.instant)).toEqual(read);
      // Date has millisecond precision.
      expect(Date.parse(read.instant)).toBe(Date.parse(text));
      expect(read.instant).not.toMatch(/0Z$(?<!:\d0Z)/);
    }),
    { numRuns: 2_000, examples: [[`2024-03-01T00:00:00.${'0'.repeat(30)}1Z`]] },
  );
});

test('instantSchema rejects a text above its size limit without parsing it', () => {
  const of = (zeros: number): string => `2024-03-01T00:00:00.${'0'.repeat(zeros)}Z`;
  const max = sizes.instantCharacters - of(0).length;
  expect(instantSchema.safeParse(of(max)).success).toBe(true);
  const issues = instantSchema.safeParse(of(max + 1)).error?.issues;
  expect(issues).toMatchObject([{ code: 'too_big' }]);
});

test.each([
  ['100', '1'],
  ['0', ''],
  ['', ''],
  ['101', '101'],
  ['1.0', '1.'],
])('withoutTrailing removes the zeros at the end of %j: %j', (text, rest) => {
  expect(withoutTrailing(text, '0')).toBe(rest);
});
