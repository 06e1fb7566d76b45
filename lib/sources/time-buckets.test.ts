import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { bucketize } from './time-buckets.ts';

const noStatistics = { nulls: 0, values: [], shares: [], bounds: [] };
const defaults = { buckets: 60, days: false };

test('bucketize spreads rows between bounds evenly and puts those of a frequent value at it', () => {
  const statistics = {
    rows: 1_000,
    nulls: 0.1,
    values: ['2024-01-01 06:00:00+00', 'infinity'],
    shares: [0.3, 0.2],
    bounds: ['2024-01-01 00:00:00+00', '2024-01-01 12:00:00+00', '2024-01-02 00:00:00+00'],
  };
  expect(bucketize([statistics], { buckets: 4, days: false })).toEqual([
    { from: '2024-01-01T00:00:00.000Z', to: '2024-01-01T06:00:00.000Z', rows: 100 },
    { from: '2024-01-01T06:00:00.000Z', to: '2024-01-01T12:00:00.000Z', rows: 400 },
    { from: '2024-01-01T12:00:00.000Z', to: '2024-01-01T18:00:00.000Z', rows: 100 },
    { from: '2024-01-01T18:00:00.000Z', to: '2024-01-02T00:00:00.000Z', rows: 100 },
  ]);
});

test('bucketize puts all rows of a day into one bucket', () => {
  const statistics = {
    ...noStatistics,
    rows: 90,
    bounds: ['2024-02-28', '2024-02-29', '2024-03-01'],
  };
  const rows = bucketize([statistics], { buckets: 60, days: true }).map((bucket) => bucket.rows);
  // How many rows are on the day of the first of three bounds is unknown.
  expect(rows).toEqual([23, 23, 45]);
});

test('bucketize returns no buckets without statistics or without rows in the time', () => {
  expect(bucketize([], defaults)).toEqual([]);
  expect(bucketize([{ ...noStatistics, rows: 1 }], defaults)).toEqual([]);
  const statistics = { ...noStatistics, rows: 10, values: ['2024-01-01 00:00:00'], shares: [1] };
  expect(bucketize([statistics], { ...defaults, from: '2025-01-01T00:00:00Z' })).toEqual([]);
  expect(bucketize([statistics], defaults)).toMatchObject([{ rows: 10 }]);
});

/** Without the last day that a request can have: a bucket cannot have the end of that day. */
const date = fc.date({
  min: new Date('0001-01-01T00:00:00Z'),
  max: new Date('9999-12-30T23:59:59Z'),
  noInvalidDate: true,
});

test('bucketize returns at most the requested buckets, in order, without gaps and with all rows', () => {
  fc.assert(
    fc.property(
      fc.array(date, { minLength: 2, maxLength: 8 }),
      fc.integer({ min: 1, max: 60 }),
      fc.boolean(),
      (dates, buckets, days) => {
        const texts = dates
          .map((it) => it.toISOString())
          .toSorted()
          .map((text) => (days ? text.slice(0, 10) : text.slice(0, 19).replace('T', ' ')));
        const found = bucketize([{ ...noStatistics, rows: 1e9, bounds: texts }], { buckets, days });
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
