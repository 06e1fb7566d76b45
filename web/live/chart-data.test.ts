import { describe, expect, test } from '@jest/globals';
import { chartData } from './chart-data.ts';
import { commonGaps, gapsOf, isStale } from './gaps.ts';
import { SeriesBuffer } from './series-buffer.ts';

const minute = 60_000;

function series(
  from: number,
  to: number,
  everyMs: number,
  value = (at: number) => at,
): SeriesBuffer {
  const buffer = new SeriesBuffer();
  for (let at = from; at < to; at += everyMs) buffer.add(at, value(at));
  return buffer;
}

/** Returns the stretches of a line that are drawn, as the times of their ends. */
function segments(times: readonly number[], values: readonly (number | null | undefined)[]) {
  const drawn: [number, number][] = [];
  let start: number | null = null;
  let end = 0;
  for (const [index, value] of values.entries()) {
    const at = times[index] ?? 0;
    if (value === null && start !== null) {
      drawn.push([start, end]);
      start = null;
    } else if (typeof value === 'number') {
      start ??= at;
      end = at;
    }
  }
  if (start !== null) drawn.push([start, end]);
  return drawn;
}

describe('a hole of 20 minutes', () => {
  const buffer = series(0, 10 * minute, 1_000);
  for (let at = 30 * minute; at < 40 * minute; at += 1_000) buffer.add(at, at);

  test('is spanned by no segment, and has a band', () => {
    const { aligned, bands } = chartData([buffer.points], { from: 0, to: 40 * minute });
    const [times, values = []] = aligned;
    expect(segments(times, values)).toEqual([
      [0, 10 * minute - 1_000],
      [30 * minute, 40 * minute - 1_000],
    ]);
    expect(bands).toEqual([{ from: 10 * minute - 1_000, to: 30 * minute }]);
  });

  test('is a hole next to another line that has readings there, without a band', () => {
    const whole = series(500, 40 * minute, 1_500);
    const { aligned, bands } = chartData([buffer.points, whole.points], {
      from: 0,
      to: 40 * minute,
    });
    const [times, broken = [], unbroken = []] = aligned;
    expect(segments(times, broken)).toHaveLength(2);
    expect(segments(times, unbroken)).toHaveLength(1);
    expect(bands).toEqual([]);
  });

  test('is a hole in thinned lines', () => {
    const dense = series(0, 10 * minute, 400);
    for (let at = 30 * minute; at < 40 * minute; at += 400) dense.add(at, Math.sin(at));
    const { aligned } = chartData([dense.points], { from: 0, to: 40 * minute });
    const [times, values = []] = aligned;
    expect(times.length).toBeLessThan(2_100);
    expect(segments(times, values).map(([from, to]) => to - from <= 10 * minute)).toEqual([
      true,
      true,
    ]);
  });
});

test('a line is not broken by three missing readings, but by four', () => {
  const buffer = series(0, 60_000, 1_000);
  buffer.add(62_000, 1);
  expect(gapsOf(buffer.points)).toEqual([]);
  buffer.add(65_001, 1);
  expect(gapsOf(buffer.points)).toEqual([{ from: 62_000, to: 65_001 }]);
});

test('thinned lines keep the extremes', () => {
  const buffer = series(0, 3_900_000, 1_000, (at) => (at === 777_000 ? 99 : Math.sin(at)));
  const { aligned } = chartData([buffer.points], { from: 0, to: 3_900_000 });
  expect(aligned[0].length).toBeLessThanOrEqual(2_000);
  expect(Math.max(...(aligned[1] ?? []).map((value) => value ?? 0))).toBe(99);
});

test('commonGaps returns the times that all series miss', () => {
  const gap = (from: number, to: number) => ({ from, to });
  expect(commonGaps([[gap(0, 10), gap(20, 30)], [gap(5, 25)]])).toEqual([gap(5, 10), gap(20, 25)]);
  expect(commonGaps([[gap(0, 10)], []])).toEqual([]);
  expect(commonGaps([])).toEqual([]);
});

test('a value is stale after three intervals, and after 10 s at the earliest', () => {
  expect(isStale(0, 1_000, 9_000)).toBe(false);
  expect(isStale(0, 1_000, 11_000)).toBe(true);
  expect(isStale(0, 60_000, 170_000)).toBe(false);
  expect(isStale(0, 60_000, 190_000)).toBe(true);
  expect(isStale(null, null, 0)).toBe(true);
});
