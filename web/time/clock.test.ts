import {
  fromAbsolute,
  parseDate,
  parseDateTime,
  toCalendarDateTime,
  toZoned,
} from '@internationalized/date';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { addDays, clockAt, existingDay, instantAt, monthAfter } from './clock.ts';

const zones = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Asia/Kolkata',
  'Australia/Lord_Howe',
  'Pacific/Apia',
  'America/Sao_Paulo',
  'Africa/Casablanca',
];
const first = Date.parse('1900-01-02T00:00:00Z');
const last = Date.parse('2099-12-30T00:00:00Z');
/** Any second from 1900 to 2099, and half hours in the months in which clocks change. */
const instants = fc.oneof(
  fc.integer({ min: first / 1_000, max: last / 1_000 }),
  fc
    .tuple(fc.integer({ min: 1980, max: 2030 }), fc.constantFrom(2, 3, 9, 10), fc.nat(31 * 24 * 2))
    .map(([year, month, halfHours]) => Date.UTC(year, month, 1, 0, 30 * halfHours) / 1_000),
);

test('clockAt and instantAt return what the library of the calendar returns, in every zone and at every change', () => {
  fc.assert(
    fc.property(instants, fc.constantFrom(...zones), (second, zone) => {
      const clock = toCalendarDateTime(fromAbsolute(second * 1_000, zone))
        .toString()
        .slice(0, 19);
      expect(clockAt(second * 1_000, zone)).toBe(clock);
      // Read as a clock time, it may be skipped in the zone, or shown twice.
      const typed = new Date(second * 1_000).toISOString().slice(0, 19);
      expect(instantAt(typed, zone)).toBe(toZoned(parseDateTime(typed), zone).toDate().getTime());
    }),
    { numRuns: 3_000 },
  );
});

test.each([
  ['2025-03-30T02:30:00', '2025-03-30T01:30:00Z'],
  ['2025-10-26T02:30:00', '2025-10-26T00:30:00Z'],
  ['2025-07-01T00:00:00', '2025-06-30T22:00:00Z'],
])('instantAt reads %s in Berlin as %s', (clock, instant) => {
  expect(instantAt(clock, 'Europe/Berlin')).toBe(Date.parse(instant));
});

test('addDays and monthAfter cross months and years, and existingDay rejects days that do not exist', () => {
  expect(addDays('2024-02-28', 1)).toBe('2024-02-29');
  expect(addDays('2025-01-01', -1)).toBe('2024-12-31');
  expect(monthAfter('2025-01-31', -1)).toBe('2024-12-01');
  expect(monthAfter('2025-12-31', 1)).toBe('2026-01-01');
  expect(existingDay('2024', '2', '29')).toBe('2024-02-29');
  for (const [month, day] of [
    ['2', '29'],
    ['4', '31'],
    ['13', '1'],
    ['0', '1'],
    ['1', '0'],
  ] as const) {
    expect(existingDay('2025', month, day)).toBeNull();
    expect(() => parseDate(`2025-${month.padStart(2, '0')}-${day.padStart(2, '0')}`)).toThrow();
  }
});
