import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { ConsumerWatchdog } from './consumer-watchdog.ts';

const stalled = jest.fn<(error: Error) => void>();
let lines: string[] = [];
let watch: ConsumerWatchdog;

beforeEach(() => {
  jest.useFakeTimers();
  lines = [];
  stalled.mockReset();
  const record = (line: string): void => void lines.push(line);
  const log = { info() {}, notice: record, warning: record, error() {} };
  watch = new ConsumerWatchdog('g: t', log, stalled);
});
afterEach(() => {
  watch.end();
  jest.useRealTimers();
});

test('onStalled is called when the consumer has not tried to fetch for 120 s', () => {
  jest.advanceTimersByTime(60_000);
  watch.onFetchAttempt();
  jest.advanceTimersByTime(120_000);
  expect(stalled).not.toHaveBeenCalled();
  jest.advanceTimersByTime(1_000);
  expect(stalled).toHaveBeenCalledWith(
    expect.objectContaining({ message: 'no fetch attempt for 120 s' }),
  );
});

test('fetch attempts without an answer do not stall; the silence of the broker is logged ever less often, and its end', () => {
  for (let second = 0; second < 300; second++) {
    watch.onFetchAttempt();
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
  watch.onFetch();
  expect(lines.at(-1)).toBe('g: t: broker answered again after 300 s');
  jest.advanceTimersByTime(5_000);
  expect(lines).toHaveLength(7);
});

test('onStalled is called when fetches are answered, and no heartbeat has been for 20 s', () => {
  const fetchFor = (seconds: number, isMember: boolean): void => {
    for (let second = 0; second < seconds; second++) {
      watch.onFetchAttempt();
      watch.onFetch();
      if (isMember) watch.onHeartbeat();
      jest.advanceTimersByTime(1_000);
    }
  };
  fetchFor(60, true);
  fetchFor(19, false);
  expect(stalled).not.toHaveBeenCalled();
  fetchFor(2, false);
  expect(stalled).toHaveBeenCalledWith(
    expect.objectContaining({ message: expect.stringMatching(/^no heartbeat for 2[01] s$/) }),
  );
});

test('a broker that does not answer has no time to answer heartbeats either', () => {
  for (let second = 0; second < 60; second++) {
    watch.onFetchAttempt();
    jest.advanceTimersByTime(1_000);
  }
  watch.onHeartbeat();
  watch.onFetch();
  jest.advanceTimersByTime(4_000);
  expect(stalled).not.toHaveBeenCalled();
});
