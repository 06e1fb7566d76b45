import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { withoutTrailing } from '../../contracts/trim-trailing.ts';
import { cellTypeOf } from './cells.ts';
import { toDateSerial } from './date-serial.ts';

const cell = (type: string, value: string): string => cellTypeOf({ base: type }).write(value);

/** Returns the number of a cell; undefined: the cell is text. */
const numberIn = (xml: string): string | undefined =>
  /^(?: s="[234]")?><v>(.*)<\/v><\/c>$/.exec(xml)?.[1];

describe('toDateSerial', () => {
  test.each([
    ['1900-03-01', 61],
    ['1970-01-01', 25_569],
    ['2000-02-29', 36_585],
    ['9999-12-31', 2_958_465],
    ['1900-03-01 00:00:00', 61],
    ['2024-03-01 12:00:00', 45_352.5],
    ['2024-03-01 00:00:00.5', 45_352 + 0.5 / 86_400],
    ['9999-12-31 23:59:59', 2_958_465 + 86_399 / 86_400],
  ])('returns for %s the number %d', (text, serial) => {
    expect(toDateSerial(text)).toBe(serial);
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
  ])('returns undefined for %s', (text) => {
    expect(toDateSerial(text)).toBeUndefined();
  });

  test('is exact to the microsecond for current times', () => {
    const micros = fc.bigInt({ min: 0n, max: 2_000_000_000_000_000n });
    fc.assert(
      fc.property(micros, (instant) => {
        const iso = new Date(Number(instant / 1_000n)).toISOString();
        const text = `${iso.slice(0, 10)} ${iso.slice(11, 23)}${String(instant % 1_000n).padStart(3, '0')}`;
        const back = Math.round(((toDateSerial(text) ?? 0) - 25_569) * 86_400e6);
        expect(Math.abs(back - Number(instant))).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe('the cell of a number', () => {
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
  ])('is a number for %s %s', (type, value) => {
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
  ])('is text for %s %s', (type, value) => {
    expect(cell(type, value)).toContain(`<t>${value}</t>`);
  });

  test('has the exact value of a numeric', () => {
    const digits = fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n });
    fc.assert(
      fc.property(digits, fc.integer({ min: 0, max: 25 }), (unscaled, scale) => {
        const sign = unscaled < 0n ? '-' : '';
        const padded = String(unscaled)
          .replace('-', '')
          .padStart(scale + 1, '0');
        const whole = padded.slice(0, padded.length - scale);
        const value = scale === 0 ? sign + whole : `${sign}${whole}.${padded.slice(-scale)}`;
        const number = numberIn(cell('numeric', value));
        if (number === undefined) return;
        // Programs show 15 digits, and these have to be the exact number.
        const significant = withoutTrailing(value.replace(/[-.]/g, '').replace(/^0+/, ''), '0');
        expect(significant.length).toBeLessThanOrEqual(15);
        const displayed = Number(number).toPrecision(15);
        expect(Number(displayed)).toBe(Number(value));
      }),
    );
  });
});

describe('the cell of a text', () => {
  test.each(['=1+1', '+1', '-1', '@SUM(A1)'])(
    'is a string for %s, and remains one when a user edits it',
    (text) => {
      expect(cell('text', text)).toBe(` s="5" t="inlineStr"><is><t>${text}</t></is></c>`);
    },
  );
  test('exists for the empty string', () => {
    expect(cell('text', '')).toBe(' t="inlineStr"><is><t></t></is></c>');
  });
});
