import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { numeric } from './copy-bytes.ts';
import { isFinite, unscaledBigInt, unscaledNumber } from './numeric.ts';

const viewOf = (bytes: Buffer): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

/** −12345n with scale 2 → −123.45 */
function decimalText(unscaled: bigint, scale: number): string {
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  const sign = unscaled < 0n ? '-' : '';
  return scale === 0 ? sign + whole : `${sign}${whole}.${digits.slice(-scale)}`;
}

const decimals = (most: number) =>
  fc.integer({ min: 1, max: most }).chain((digits) =>
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

describe('an exact number', () => {
  test('has all its digits', () => {
    fc.assert(
      fc.property(decimals(38), ({ digits, scale, unscaled }) => {
        const view = viewOf(numeric(decimalText(unscaled, scale)));
        expect(unscaledBigInt(view, 0, digits, scale)).toBe(unscaled);
      }),
      { numRuns: 2_000 },
    );
  });

  test('of up to 15 digits has them as a number, too', () => {
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
  ])('%s is not rounded to fit into (%d,%d)', (text, digits, scale) => {
    expect(() => unscaledNumber(viewOf(numeric(text)), 0, digits, scale)).toThrow(/has more/);
    expect(() => unscaledBigInt(viewOf(numeric(text)), 0, digits, scale)).toThrow(/has more/);
  });

  test('is told from what is no number', () => {
    for (const text of ['NaN', 'Infinity', '-Infinity'])
      expect(isFinite(viewOf(numeric(text)), 0)).toBe(false);
    expect(isFinite(viewOf(numeric('-1')), 0)).toBe(true);
  });
});
