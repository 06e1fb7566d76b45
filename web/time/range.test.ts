import { expect, test } from '@jest/globals';
import { dayAndClock } from './format.ts';
import { describeRange, noDateTime, readRange } from './range.ts';

const rangeFrom = (date: string) => ({ from: { ...noDateTime, date }, to: noDateTime });

test.each([
  ['2025-02-30', 'From: February 2025 has 28 days.'],
  ['2024-2-30', 'From: February 2024 has 29 days.'],
  ['2025-04-31', 'From: April 2025 has 30 days.'],
  ['2025-13-01', 'From must be a date like 2026-03-01.'],
  ['2025-00-01', 'From must be a date like 2026-03-01.'],
  ['1.3.2025', 'From must be a date like 2026-03-01.'],
  ['yesterday', 'From must be a date like 2026-03-01.'],
])('readRange answers the From %s with “%s”', (date, message) => {
  expect(readRange(rangeFrom(date), 'UTC').errors).toEqual([{ field: 'from', message }]);
});

test('both ends of a range show their year if one of them is not in the current year', () => {
  const thisYear = `${new Date().getUTCFullYear()}-03-01T00:00:00Z`;
  const day = '1 Mar';
  const year = thisYear.slice(0, 4);
  expect(dayAndClock('UTC', thisYear)).toBe(`${day} 00:00 UTC`);
  expect(dayAndClock('UTC', thisYear, '2024-01-01T00:00:00Z')).toBe(`${day} ${year} 00:00 UTC`);
  const range = { from: '2024-01-01T00:00:00Z', to: thisYear, errors: [] };
  expect(describeRange(range, 'UTC')).toBe(
    `1 Jan 2024 00:00 UTC up to, not including, ${day} ${year} 00:00 UTC`,
  );
});
