import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { InexactNumber, numberText, parseExactly } from './exact-number.ts';

describe('parseExactly', () => {
  test.each([
    '0',
    '-0.0e5',
    '9007199254740991',
    '9007199254740992',
    '9007199254740994',
    '1152921504606846976',
    '1000000000000000000000',
    '1e300',
    '1.5E-10',
    '0.1',
    '0.10000000000000000',
    '123456789.012345',
    '100000000000000000.0',
  ])('parseExactly returns the double %s', (text) => {
    expect(parseExactly(text)).toBe(Number(text));
  });

  test.each([
    '9007199254740993',
    '-9007199254740993',
    '9007199254740993.0',
    '900719925474099.3e1',
    '1152921504606847000',
    '12345678901234567890',
    '0.10000000000000000001',
    '1e400',
    '-1e400',
    '1e-400',
    '1.00000000000000000000000000000001e5',
  ])('parseExactly returns an InexactNumber for %s', (text) => {
    const read = parseExactly(`{"a": [${text}, 1]}`);
    expect(read).toEqual({ a: [expect.any(InexactNumber), 1] });
    // The text that a signature covers.
    expect(JSON.stringify(read)).toBe(JSON.stringify({ a: [Number(text), 1] }));
  });

  test('parseExactly reads every text of numberText as the same double', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(parseExactly(numberText(value))).toBe(value === 0 ? 0 : value);
        expect(Number(numberText(value))).toBe(value === 0 ? 0 : value);
      }),
    );
  });

  test('parseExactly returns an InexactNumber exactly for integers that a double rounds', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 21n) + 1n, max: 10n ** 21n - 1n }), (value) => {
        const isExact = BigInt(Number(value)) === value;
        expect(parseExactly(String(value)) instanceof InexactNumber).toBe(!isExact);
      }),
      { numRuns: 1_000 },
    );
  });
});

test('parseExactly does not change digits in a string', () => {
  expect(parseExactly('{"a": "9007199254740993"}')).toEqual({ a: '9007199254740993' });
});
