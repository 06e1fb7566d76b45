import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { FetchWatch } from './fetch-watch.ts';

const stalled = jest.fn<(error: Error) => void>();
let lines: string[] = [];
let watch: FetchWatch;

beforeEach(() => {
  jest.useFakeTimers();
  lines = [];
  stalled.mockReset();
  const say = (line: string): void => void lines.push(line);
  const log = { info() {}, notice: say, warning: say, error() {} };
  watch = new FetchWatch('g: t', log, stalled);
});
afterEach(() => {
  watch.end();
  jest.useRealTimers();
});

test('a consumer that has not tried to fetch for two minutes has stalled', () => {
  jest.advanceTimersByTime(60_000);
  watch.tried();
  jest.advanceTimersByTime(120_000);
  expect(stalled).not.toHaveBeenCalled();
  jest.advanceTimersByTime(1_000);
  expect(stalled).toHaveBeenCalledWith(
    expect.objectContaining({ message: 'no fetch tried for 120 s' }),
  );
});

test('one that tries in vain has not: the silence of the broker is told at growing distances, and its end', () => {
  for (let second = 0; second < 300; second++) {
    watch.tried();
    jest.advanceTimersByTime(1_000);
  }
  expect(stalled).not.toHaveBeenCalled();
  expect(lines.map((line) => /for (\d+) s/.exec(line)?.[1])).toEqual([
    '6',
    '11',
    '21',
    '41',
    '81',
    '161',
  ]);
  watch.fetched();
  expect(lines.at(-1)).toBe('g: t: broker is back after 300 s');
  jest.advanceTimersByTime(5_000);
  expect(lines).toHaveLength(7);
});
