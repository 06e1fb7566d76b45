import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { withoutTrailing } from '../../contracts/trailing.ts';
import { kindOf } from './cells.ts';
import { serialOf } from './serial.ts';

const cell = (type: string, value: string): string => kindOf({ base: type }).write(value);

/** The number of a cell; undefined: it is text. */
const numberIn = (xml: string): string | undefined =>
  /^(?: s="[234]")?><v>(.*)<\/v><\/c>$/.exec(xml)?.[1];

describe('a moment', () => {
  test.each([
    ['1900-03-01', 61],
    ['1970-01-01', 25_569],
    ['2000-02-29', 36_585],
    ['9999-12-31', 2_958_465],
    ['1900-03-01 00:00:00', 61],
    ['2024-03-01 12:00:00', 45_352.5],
    ['2024-03-01 00:00:00.5', 45_352 + 0.5 / 86_400],
    ['9999-12-31 23:59:59', 2_958_465 + 86_399 / 86_400],
  ])('%s is %d', (text, serial) => {
    expect(serialOf(text)).toBe(serial);
  });

  test.each([
    '1900-02-28',
    '1899-12-31 23:59:59.999999',
    '0001-01-01',
    '10000-01-01',
    '9999-12-31 23:59:59.9999',
    'infinity',
    '-infinity',
    '4713-01-01 BC',
    '2024-03-01 00:00:00 BC',
  ])('%s is none', (text) => {
    expect(serialOf(text)).toBeUndefined();
  });

  test('of today is exact to the microsecond', () => {
    const micros = fc.bigInt({ min: 0n, max: 2_000_000_000_000_000n });
    fc.assert(
      fc.property(micros, (instant) => {
        const iso = new Date(Number(instant / 1_000n)).toISOString();
        const text = `${iso.slice(0, 10)} ${iso.slice(11, 23)}${String(instant % 1_000n).padStart(3, '0')}`;
        const back = Math.round(((serialOf(text) ?? 0) - 25_569) * 86_400e6);
        expect(Math.abs(back - Number(instant))).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe('a number', () => {
  test.each([
    ['integer', '-2147483648'],
    ['bigint', '999999999999999'],
    ['bigint', '-999999999999999'],
    ['bigint', '9000000000000000000'],
    ['numeric(12,2)', '0.10'],
    ['numeric', '123456789.012345'],
    ['numeric', '0.000000000000000000000000000001'],
    ['numeric', '1000000000000000.0000000000'],
    ['numeric', `1${'0'.repeat(300)}`],
    ['double precision', '1.7976931348623157e+308'],
    ['double precision', '0.1'],
    ['real', '3.4028235e+38'],
  ])('%s %s is one', (type, value) => {
    expect(numberIn(cell(type, value))).toBe(value);
  });

  test.each([
    ['bigint', '9223372036854775807'],
    ['bigint', '1000000000000001'],
    ['numeric', '123456789.0123456'],
    ['numeric', `1${'0'.repeat(309)}`],
    ['numeric', `0.${'0'.repeat(310)}1`],
    ['numeric', 'NaN'],
    ['numeric', '-Infinity'],
    ['double precision', 'Infinity'],
    ['double precision', 'NaN'],
    ['double precision', '5e-324'],
    ['money', '-$1.00'],
  ])('%s %s is text', (type, value) => {
    expect(cell(type, value)).toContain(`<t>${value}</t>`);
  });

  test('of numeric has the value it had', () => {
    const digits = fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n });
    fc.assert(
      fc.property(digits, fc.integer({ min: 0, max: 25 }), (unscaled, scale) => {
        const sign = unscaled < 0n ? '-' : '';
        const padded = String(unscaled)
          .replace('-', '')
          .padStart(scale + 1, '0');
        const whole = padded.slice(0, padded.length - scale);
        const value = scale === 0 ? sign + whole : `${sign}${whole}.${padded.slice(-scale)}`;
        const written = numberIn(cell('numeric', value));
        if (written === undefined) return;
        // What a program shows of it, at 15 digits, is the number, and nothing but.
        const significant = withoutTrailing(value.replace(/[-.]/g, '').replace(/^0+/, ''), '0');
        expect(significant.length).toBeLessThanOrEqual(15);
        const shown = Number(written).toPrecision(15);
        expect(Number(shown)).toBe(Number(value));
      }),
    );
  });
});

describe('a text', () => {
  test.each(['=1+1', '+1', '-1', '@SUM(A1)'])(
    '%s is a string, and stays one when it is edited',
    (text) => {
      expect(cell('text', text)).toBe(` s="5" t="inlineStr"><is><t>${text}</t></is></c>`);
    },
  );
  test('that is empty is a cell', () => {
    expect(cell('text', '')).toBe(' t="inlineStr"><is><t></t></is></c>');
  });
});
