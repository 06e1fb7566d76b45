import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { divide } from './time-buckets.ts';

const none = { nulls: 0, values: [], shares: [], bounds: [] };
const whole = { buckets: 60, days: false };

test('rows between two bounds are spread evenly, those of a value stand at it', () => {
  const part = {
    rows: 1_000,
    nulls: 0.1,
    values: ['2024-01-01 06:00:00+00', 'infinity'],
    shares: [0.3, 0.2],
    bounds: ['2024-01-01 00:00:00+00', '2024-01-01 12:00:00+00', '2024-01-02 00:00:00+00'],
  };
  expect(divide([part], { buckets: 4, days: false })).toEqual([
    { from: '2024-01-01T00:00:00.000Z', to: '2024-01-01T06:00:00.000Z', rows: 100 },
    { from: '2024-01-01T06:00:00.000Z', to: '2024-01-01T12:00:00.000Z', rows: 400 },
    { from: '2024-01-01T12:00:00.000Z', to: '2024-01-01T18:00:00.000Z', rows: 100 },
    { from: '2024-01-01T18:00:00.000Z', to: '2024-01-02T00:00:00.000Z', rows: 100 },
  ]);
});

test('a day has its length, and its rows are all in one bucket', () => {
  const part = { ...none, rows: 90, bounds: ['2024-02-28', '2024-02-29', '2024-03-01'] };
  const rows = divide([part], { buckets: 60, days: true }).map((bucket) => bucket.rows);
  // Of the first of three bounds it is not known how many rows are on that day.
  expect(rows).toEqual([23, 23, 45]);
});

test('nothing is known, or there is nothing then: no buckets', () => {
  expect(divide([], whole)).toEqual([]);
  expect(divide([{ ...none, rows: 1 }], whole)).toEqual([]);
  const part = { ...none, rows: 10, values: ['2024-01-01 00:00:00'], shares: [1] };
  expect(divide([part], { ...whole, from: '2025-01-01T00:00:00Z' })).toEqual([]);
  expect(divide([part], whole)).toMatchObject([{ rows: 10 }]);
});

/** Not the last day that a request can name: as a whole day it has no end that a bucket could have. */
const year = fc.date({
  min: new Date('0001-01-01T00:00:00Z'),
  max: new Date('9999-12-30T23:59:59Z'),
  noInvalidDate: true,
});

test('whatever the times are, the buckets are few, in order, without gaps, and have all rows', () => {
  fc.assert(
    fc.property(
      fc.array(year, { minLength: 2, maxLength: 8 }),
      fc.integer({ min: 1, max: 60 }),
      fc.boolean(),
      (dates, buckets, days) => {
        const texts = dates
          .map((date) => date.toISOString())
          .toSorted()
          .map((text) => (days ? text.slice(0, 10) : text.slice(0, 19).replace('T', ' ')));
        const found = divide([{ ...none, rows: 1e9, bounds: texts }], { buckets, days });
        expect(found.length).toBeGreaterThan(0);
        expect(found.length).toBeLessThanOrEqual(buckets);
        for (const [n, { from, to }] of found.entries()) {
          expect(Date.parse(from)).toBeLessThan(Date.parse(to));
          if (n > 0) expect(from).toBe(found[n - 1]?.to);
        }
        const rows = found.reduce((sum, bucket) => sum + bucket.rows, 0);
        expect(rows).toBeGreaterThan(0.99e9);
        expect(rows).toBeLessThan(1.01e9);
      },
    ),
  );
});
