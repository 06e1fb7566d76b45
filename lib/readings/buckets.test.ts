import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { canonicalInstant } from '../contracts/canonical-instant.ts';
import { isAfter } from '../contracts/instant.ts';
import { maxPoints } from '../contracts/readings.ts';
import { chooseBucket, countBuckets, secondsOf, spansOf } from './buckets.ts';

const range = (from: string, to: string) => ({ from, to });

describe('chooseBucket', () => {
  test.each([
    ['15 minutes', '2026-03-01T00:15:00Z', '1s'],
    ['33 minutes and 20 seconds', '2026-03-01T00:33:20Z', '1s'],
    ['a moment longer', '2026-03-01T00:33:20.000001Z', '2s'],
    ['6 hours', '2026-03-01T06:00:00Z', '1m'],
    ['a day', '2026-03-02T00:00:00Z', '1m'],
    ['a week', '2026-03-08T00:00:00Z', '10m'],
    ['a year', '2027-03-01T00:00:00Z', '6h'],
    ['ten years', '2036-03-01T00:00:00Z', '7d'],
    ['all time', '9999-12-31T23:59:59Z', '3640d'],
  ])('divides %s into buckets of a round length', (_, to, bucket) => {
    expect(chooseBucket(range('2026-03-01T00:00:00Z', to))).toBe(bucket);
  });

  test('chooses no bucket shorter than the minimum', () => {
    expect(chooseBucket(range('2026-03-01T00:00:00Z', '2026-03-01T00:15:00Z'), 60)).toBe('1m');
  });

  test('never chooses a bucket with more points than allowed, whatever the range', () => {
    const seconds = fc.integer({ min: -62_135_596_800, max: 253_402_300_799 });
    const instant = (at: number): string => `${new Date(at * 1_000).toISOString().slice(0, 19)}Z`;
    fc.assert(
      fc.property(seconds, seconds, (a, b) => {
        const chosen = range(instant(Math.min(a, b)), instant(Math.max(a, b)));
        expect(countBuckets(chosen, secondsOf(chooseBucket(chosen)))).toBeLessThanOrEqual(
          maxPoints,
        );
      }),
    );
  });
});

describe('countBuckets', () => {
  test('counts the buckets that a range touches', () => {
    expect(countBuckets(range('2026-03-01T00:59:59.5Z', '2026-03-01T01:00:00Z'), 3_600)).toBe(1);
    expect(countBuckets(range('2026-03-01T00:59:59.5Z', '2026-03-01T01:00:00.1Z'), 3_600)).toBe(2);
    expect(countBuckets(range('2026-03-01T01:00:00Z', '2026-03-01T01:00:00Z'), 3_600)).toBe(0);
  });
});

describe('spansOf', () => {
  test('reads hours, the minutes around them, and the readings at both ends', () => {
    const all = range('2026-03-01T10:58:30.5Z', '2026-03-01T13:01:00.25Z');
    expect(spansOf(all, 3_600)).toEqual([
      { table: 'readings', from: '2026-03-01T10:58:30.5Z', to: '2026-03-01T10:59:00Z' },
      { table: 'readings_1m', from: '2026-03-01T10:59:00Z', to: '2026-03-01T11:00:00Z' },
      { table: 'readings_1h', from: '2026-03-01T11:00:00Z', to: '2026-03-01T13:00:00Z' },
      { table: 'readings_1m', from: '2026-03-01T13:00:00Z', to: '2026-03-01T13:01:00Z' },
      { table: 'readings', from: '2026-03-01T13:01:00Z', to: '2026-03-01T13:01:00.25Z' },
    ]);
  });

  test('reads a range of whole hours from the hours alone', () => {
    const day = range('2026-03-01T00:00:00Z', '2026-03-02T00:00:00Z');
    expect(spansOf(day, 86_400)).toEqual([{ table: 'readings_1h', ...day }]);
  });

  test('reads no hours for buckets that are not whole hours, and no minutes for such of seconds', () => {
    const day = range('2026-03-01T00:00:00Z', '2026-03-02T00:00:00Z');
    expect(spansOf(day, 5_400)).toEqual([{ table: 'readings_1m', ...day }]);
    expect(spansOf(day, 90)).toEqual([{ table: 'readings', ...day }]);
  });

  test('reads only readings if the range has no whole minute', () => {
    const moment = range('2026-03-01T10:58:30Z', '2026-03-01T10:59:30Z');
    expect(spansOf(moment, 60)).toEqual([{ table: 'readings', ...moment }]);
  });

  test('leaves nothing out and reads nothing twice, whatever the range', () => {
    const micros = fc.integer({ min: 0, max: 4_102_444_800_000_000 });
    const instant = (at: number): string => {
      const whole = new Date(Math.floor(at / 1_000_000) * 1_000).toISOString().slice(0, 19);
      const fraction = at % 1_000_000;
      const read = canonicalInstant(`${whole}.${String(fraction).padStart(6, '0')}Z`);
      return 'instant' in read ? read.instant : '';
    };
    fc.assert(
      fc.property(
        micros,
        fc.integer({ min: 1, max: 10_000_000_000_000 }),
        fc.constantFrom(1, 10, 60, 300, 3_600, 86_400),
        (start, length, bucketSeconds) => {
          const all = range(instant(start), instant(start + length));
          const spans = spansOf(all, bucketSeconds);
          expect(spans[0]?.from).toBe(all.from);
          expect(spans.at(-1)?.to).toBe(all.to);
          for (const [n, span] of spans.entries()) {
            expect(isAfter(span.to, span.from)).toBe(true);
            if (n > 0) expect(span.from).toBe(spans[n - 1]?.to);
          }
        },
      ),
    );
  });
});
