import { expect, test } from '@jest/globals';
import { inUnitOf } from './convert-units.ts';
import { RejectedRecordError } from './rejected-record.ts';

const reading = (value: number, unit?: string) => ({
  series: 'a',
  atMicros: 0,
  value,
  ...(unit === undefined ? {} : { unit }),
});

test('a reading without a unit, or with that of its series, is returned as it is', () => {
  for (const same of [reading(7), reading(7, 'bar')]) expect(inUnitOf('bar', same)).toBe(same);
});

test.each([
  ['bar', 'Pa', 100_000, 1],
  ['kW', 'W', 1_500, 1.5],
  ['°C', '°F', 212, 100],
  ['°C', 'K', 273.15, 0],
])('a value is converted to %s from %s', (to, from, value, expected) => {
  const converted = inUnitOf(to, reading(value, from));
  expect(converted.value).toBeCloseTo(expected, 9);
  expect(converted.unit).toBe(to);
});

test.each([
  ['a unit of another quantity', 'bar', 'kW', 1],
  ['an unknown unit', 'bar', 'blorp', 1],
  ['a series whose own unit is unknown', 'blorp', 'bar', 1],
  ['a value that overflows', 'W', 'GW', 1e305],
])('a reading is rejected for %s, every time', (_, to, from, value) => {
  for (let time = 0; time < 2; time++)
    expect(() => inUnitOf(to, reading(value, from))).toThrow(RejectedRecordError);
});
