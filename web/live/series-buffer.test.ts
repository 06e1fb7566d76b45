import { describe, expect, test } from '@jest/globals';
import { type Point, SeriesBuffer } from './series-buffer.ts';

const bucket = (at: number, count: number, bucketMs: number, avg = 1): Point => ({
  at,
  min: avg,
  max: avg,
  avg,
  last: avg,
  count,
  bucketMs,
});

const times = (buffer: SeriesBuffer): number[] => buffer.points.map(({ at }) => at);

describe('SeriesBuffer', () => {
  test('keeps live readings in the order of their time, and each once', () => {
    const buffer = new SeriesBuffer();
    for (const at of [3, 1, 2, 5, 4, 3]) buffer.add(at, at * 10);
    expect(times(buffer)).toEqual([1, 2, 3, 4, 5]);
    expect(buffer.add(3, 30)).toBe(false);
  });

  test('replaces a reading by a later one of the same time', () => {
    const buffer = new SeriesBuffer();
    buffer.add(1, 10);
    expect(buffer.add(1, 11)).toBe(true);
    expect(buffer.points).toMatchObject([{ at: 1, last: 11 }]);
  });

  test('replaces readings by the bucket of the history that has more of them', () => {
    const buffer = new SeriesBuffer();
    for (const at of [100, 150, 210, 350]) buffer.add(at, 1);
    buffer.addHistory([
      bucket(0, 5, 100),
      bucket(100, 4, 100),
      bucket(200, 1, 100),
      bucket(300, 1, 100),
    ]);
    expect(buffer.points.map(({ at, count }) => [at, count])).toEqual([
      [0, 5],
      [100, 4],
      [210, 1],
      [350, 1],
    ]);
  });

  test('keeps readings that are newer than the answer, in the last bucket too', () => {
    const buffer = new SeriesBuffer();
    for (const at of [160, 250]) buffer.add(at, 1);
    buffer.addHistory([bucket(0, 9, 100), bucket(100, 3, 100)]);
    expect(times(buffer)).toEqual([0, 100, 160, 250]);
  });

  test('adds readings after the history one by one, and asks again for a bucket that got a late one', () => {
    const buffer = new SeriesBuffer();
    buffer.addHistory([bucket(0, 9, 100), bucket(100, 3, 100)]);
    buffer.add(150, 2);
    buffer.add(230, 2);
    expect(times(buffer)).toEqual([0, 100, 150, 230]);
    expect(buffer.takeStale()).toBeNull();
    buffer.add(50, -7);
    expect(buffer.points[0]).toMatchObject({ count: 9, min: -7, avg: 1 });
    expect(buffer.takeStale()).toEqual({ from: 0, to: 100 });
    expect(buffer.takeStale()).toBeNull();
  });

  test('takes a history of single readings, and a newer answer for the same time', () => {
    const buffer = new SeriesBuffer();
    buffer.add(2, 5);
    buffer.addHistory([bucket(1, 1, 0, 4), bucket(2, 1, 0, 6)]);
    expect(buffer.points.map(({ at, avg }) => [at, avg])).toEqual([
      [1, 4],
      [2, 6],
    ]);
  });

  test('is bounded, and its joined buckets keep extremes, sum and count', () => {
    const buffer = new SeriesBuffer();
    const values = Array.from({ length: 50_000 }, (_, index) => Math.sin(index) * (index % 97));
    for (const [index, value] of values.entries()) buffer.add(index * 10, value);
    expect(buffer.points.length).toBeLessThanOrEqual(12_000);
    const kept = buffer.points;
    expect(kept.reduce((sum, { count }) => sum + count, 0)).toBe(values.length);
    const sum = kept.reduce((total, { avg, count }) => total + avg * count, 0);
    expect(sum).toBeCloseTo(
      values.reduce((total, value) => total + value, 0),
      6,
    );
    expect(Math.max(...kept.map(({ max }) => max))).toBe(Math.max(...values));
    expect(kept.every(({ at }, index) => index === 0 || at > (kept[index - 1]?.at ?? 0))).toBe(
      true,
    );
  });

  test('drops what is before the chart, except the point that the line comes from', () => {
    const buffer = new SeriesBuffer();
    for (const at of [1, 2, 3, 4]) buffer.add(at, 1);
    buffer.dropBefore(3);
    expect(times(buffer)).toEqual([2, 3, 4]);
  });
});
