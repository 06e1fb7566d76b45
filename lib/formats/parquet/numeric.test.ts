import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { numeric } from '../testing/copy-binary.ts';
import { isFiniteNumeric, unscaledBigInt, unscaledNumber } from './numeric.ts';

const viewOf = (bytes: Buffer): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

/** Returns −123.45 for −12345n with scale 2. */
function decimalText(unscaled: bigint, scale: number): string {
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  const sign = unscaled < 0n ? '-' : '';
  return scale === 0 ? sign + whole : `${sign}${whole}.${digits.slice(-scale)}`;
}

const decimals = (max: number) =>
  fc.integer({ min: 1, max }).chain((digits) =>
    fc.record({
      digits: fc.constant(digits),
      scale: fc.integer({ min: 0, max: digits }),
      unscaled: fc.oneof(
        fc.bigInt({ min: 1n - 10n ** BigInt(digits), max: 10n ** BigInt(digits) - 1n }),
        fc.integer({ min: 0, max: digits - 1 }).map((zeros) => 10n ** BigInt(zeros)),
        fc.constantFrom(0n, 10n ** BigInt(digits) - 1n, 1n - 10n ** BigInt(digits)),
      ),
    }),
  );

describe('a numeric', () => {
  test('keeps all its digits as a BigInt', () => {
    fc.assert(
      fc.property(decimals(38), ({ digits, scale, unscaled }) => {
        const view = viewOf(numeric(decimalText(unscaled, scale)));
        expect(unscaledBigInt(view, 0, digits, scale)).toBe(unscaled);
      }),
      { numRuns: 2_000 },
    );
  });

  test('of up to 15 digits keeps all of them as a number', () => {
    fc.assert(
      fc.property(decimals(15), ({ digits, scale, unscaled }) => {
        const view = viewOf(numeric(decimalText(unscaled, scale)));
        expect(BigInt(unscaledNumber(view, 0, digits, scale))).toBe(unscaled);
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([
    ['100000', 5, 0],
    ['1000.00', 5, 2],
    ['0.001', 5, 2],
    ['1.00001', 9, 4],
    ['1000000000000000000000000000000000000000000', 15, 2],
  ])('of %s is rejected, not rounded, by numeric(%d,%d)', (text, digits, scale) => {
    expect(() => unscaledNumber(viewOf(numeric(text)), 0, digits, scale)).toThrow(/has more/);
    expect(() => unscaledBigInt(viewOf(numeric(text)), 0, digits, scale)).toThrow(/has more/);
  });

  test('is distinguished from NaN and the infinities', () => {
    for (const text of ['NaN', 'Infinity', '-Infinity'])
      expect(isFiniteNumeric(viewOf(numeric(text)), 0)).toBe(false);
    expect(isFiniteNumeric(viewOf(numeric('-1')), 0)).toBe(true);
  });
});
