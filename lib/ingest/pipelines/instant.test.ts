import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { instantOf, type TimeSettings } from './instant.ts';
import { compileTimeFormat } from './time-format.ts';
import { wallClockOf } from './time-zone.ts';

const berlin = { clock: wallClockOf('Europe/Berlin'), repeated: 'reject' as const };
const plain: TimeSettings = { repeated: 'reject' };
const micros = (iso: string, more = 0): number => Date.parse(iso) * 1_000 + more;

describe('instantOf', () => {
  test.each([
    ['2026-01-15T08:30:00Z', plain, micros('2026-01-15T08:30:00Z')],
    ['2026-01-15T08:30:00+01:00', berlin, micros('2026-01-15T07:30:00Z')],
    ['2026-01-15T08:30:00', berlin, micros('2026-01-15T07:30:00Z')],
    [' 2026-01-15 08:30:00.000001 ', berlin, micros('2026-01-15T07:30:00Z', 1)],
    ['2026-01-15', berlin, micros('2026-01-14T23:00:00Z')],
    [1_767_225_600, plain, micros('2026-01-01T00:00:00Z')],
    ['1767225600123456789', plain, micros('2026-01-01T00:00:00Z', 123_456)],
    // A zone leaves numbers alone.
    [1_767_225_600, berlin, micros('2026-01-01T00:00:00Z')],
    [
      '1767225600123456789',
      { ...plain, unit: 'ns' as const },
      micros('2026-01-01T00:00:00Z', 123_456),
    ],
    [1_767_225_600.25, { ...plain, unit: 's' as const }, micros('2026-01-01T00:00:00Z', 250_000)],
    // By its magnitude it would be seconds.
    [1_000, { ...plain, unit: 'ms' as const }, 1_000_000],
    ['-1500.75', { ...plain, unit: 'us' as const }, -1_500],
    [999, { ...plain, unit: 'ns' as const }, 0],
    [
      '03.02.2026 14:05',
      { ...berlin, parse: compileTimeFormat('dd.MM.yyyy HH:mm') },
      micros('2026-02-03T13:05:00Z'),
    ],
    // Digits of a format are not a number since 1970.
    [
      20_260_203_140_509,
      { ...berlin, parse: compileTimeFormat('yyyyMMddHHmmss') },
      micros('2026-02-03T13:05:09Z'),
    ],
    [
      '2026-02-03 14 +05:30',
      { ...plain, parse: compileTimeFormat('yyyy-MM-dd HH XXX') },
      micros('2026-02-03T08:30:00Z'),
    ],
    [
      '2026-10-25T02:30:00',
      { ...berlin, repeated: 'earlier' as const },
      micros('2026-10-25T00:30:00Z'),
    ],
    [
      '2026-10-25T02:30:00',
      { ...berlin, repeated: 'later' as const },
      micros('2026-10-25T01:30:00Z'),
    ],
  ])('reads %j', (at, settings, expected) => {
    expect(instantOf(at, settings)).toBe(expected);
  });

  test('keeps every digit of a number in every unit, and cuts off what is finer than microseconds', () => {
    const nanosPer = { s: 1_000_000_000n, ms: 1_000_000n, us: 1_000n, ns: 1n } as const;
    fc.assert(
      fc.property(
        fc.constantFrom('s', 'ms', 'us', 'ns'),
        fc.bigInt({ min: 0n, max: 8_000_000_000_000_000_000n }),
        (unit, nanos) => {
          const per = nanosPer[unit];
          const digits = per.toString().length - 1;
          const fraction = digits === 0 ? '' : `.${(nanos % per).toString().padStart(digits, '0')}`;
          expect(instantOf(`${nanos / per}${fraction}`, { ...plain, unit })).toBe(
            Number(nanos / 1_000n),
          );
        },
      ),
    );
  });

  test.each([
    ['2026-03-29T02:30:00', berlin, /does not exist in this zone/],
    ['2026-10-25T02:30:00', berlin, /was shown twice in this zone/],
    ['2026-01-15T08:30:00', plain, /offset/],
    [
      '03.02.2026',
      { ...plain, parse: compileTimeFormat('dd.MM.yyyy') },
      /has no offset, and the pipeline names no time\.zone/,
    ],
    ['yesterday', berlin, /not a date and time like/],
    [true, plain, /no text and no number/],
    [['2026'], plain, /no text and no number/],
    [1e300, { ...plain, unit: 's' as const }, /not a number of digits/],
    ['99999999999', { ...plain, unit: 's' as const }, /not within 280 years of 1970/],
  ])('refuses %j', (at, settings, message) => {
    expect(() => instantOf(at, settings)).toThrow(message);
  });
});
