import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import Qty from 'js-quantities';
import { limits } from './limits.ts';
import { conversionOf, conversionsTo } from './units.ts';

describe('conversionOf', () => {
  test.each([
    ['°F', '°C', 212, 100],
    ['degF', 'degC', 32, 0],
    ['°F', '°C', -40, -40],
    ['fahrenheit', 'celsius', 98.6, 37],
    ['°C', 'K', 21.5, 294.65],
    ['K', '°C', 0, -273.15],
    ['°C', '°F', 100, 212],
    ['°R', 'K', 491.67, 273.15],
    ['bar', 'kPa', 1.013, 101.3],
    ['m³/h', 'l/s', 3.6, 1],
    ['kWh', 'MJ', 1, 3.6],
    ['km/h', 'm/s', 36, 10],
    ['W', 'kW', 1_500, 1.5],
    ['kΩ', 'Ω', 1.5, 1_500],
    ['µg/m³', 'mg/m³', 250, 0.25],
    ['ppm', '%', 10_000, 1],
    ['mV', 'mV', 12.5, 12.5],
  ])('from %s to %s makes %d %d', (from, to, value, expected) => {
    expect(conversionOf(from, to)(value)).toBe(expected);
  });

  test('agrees with js-quantities for temperatures, and back gives the same value', () => {
    const names = { '°C': 'tempC', '°F': 'tempF', K: 'tempK', '°R': 'tempR' } as const;
    const units = Object.entries(names);
    fc.assert(
      fc.property(
        fc.constantFrom(...units),
        fc.constantFrom(...units),
        fc.integer({ min: 0, max: 2_000_000 }).map((thousandths) => thousandths / 1_000),
        ([from, fromName], [to, toName], value) => {
          const converted = conversionOf(from, to)(value);
          expect(converted).toBeCloseTo(Qty.swiftConverter(fromName, toName)(value), 6);
          expect(conversionOf(to, from)(converted)).toBeCloseTo(value, 9);
        },
      ),
    );
  });

  test.each([
    ['furlongs/pint', 'm', /cannot be converted/],
    ['foo', 'm', /the unit foo is unknown/],
    ['m', 'foo', /the unit foo is unknown/],
    ['', 'm', /the unit {2}is unknown/],
    ['5 m', 'm', /the unit 5 m is unknown/],
    ['bar', '°C', /bar cannot be converted to °C/],
    // A difference of temperatures is not a temperature.
    ['mK', '°C', /mK cannot be converted to °C/],
    ['s', 'Hz', /s cannot be converted to Hz/],
  ])('refuses %j to %j', (from, to, message) => {
    expect(() => conversionOf(from, to)).toThrow(message);
  });
});

describe('conversionsTo', () => {
  test('converts from the unit of each record', () => {
    const convert = conversionsTo('°C');
    expect([convert(50, '°F'), convert(50, '°C'), convert(273.15, 'K')]).toEqual([10, 50, 0]);
    expect(() => convert(1, 'bar')).toThrow(/bar cannot be converted/);
    expect(() => convert(1, 'bar')).toThrow(/bar cannot be converted/);
  });

  test('knows a limited number of units, and still converts from those', () => {
    const convert = conversionsTo('m');
    expect(convert(1, 'km')).toBe(1_000);
    for (let index = 1; index < limits.convertedUnits; index++)
      expect(() => convert(1, `foo${index}`)).toThrow(/is unknown/);
    expect(() => convert(1, 'cm')).toThrow(/one too many/);
    expect(convert(2, 'km')).toBe(2_000);
  });
});
