import { expect, test } from '@jest/globals';
import { bucketMs, parseInstant, toInstant } from './instant.ts';

test('parseInstant keeps microseconds and reads offsets', () => {
  expect(parseInstant('1970-01-01T00:00:01Z')).toBe(1_000);
  expect(parseInstant('1970-01-01T00:00:00.5Z')).toBe(500);
  expect(
    parseInstant('2026-11-28T01:00:00.123456Z') - Date.parse('2026-11-28T01:00:00.123Z'),
  ).toBeCloseTo(0.456, 3);
  expect(parseInstant('1970-01-01T02:00:00.000250+02:00')).toBeCloseTo(0.25, 6);
  expect(parseInstant('yesterday')).toBeNaN();
  expect(toInstant(parseInstant('2026-11-28T01:00:00.123456Z'))).toBe('2026-11-28T01:00:00.123Z');
});

test('bucketMs reads the lengths of the contract', () => {
  expect(['1s', '10s', '1m', '5m', '1h', '1d'].map(bucketMs)).toEqual([
    1_000, 10_000, 60_000, 300_000, 3_600_000, 86_400_000,
  ]);
  expect(bucketMs(null)).toBe(0);
  expect(bucketMs('raw')).toBe(0);
});
