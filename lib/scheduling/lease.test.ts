import { afterEach, expect, jest, test } from '@jest/globals';
import { Fenced, Lease } from './lease.ts';

afterEach(() => {
  jest.restoreAllMocks();
});

test('forbids effects when no heartbeat got through for 15 seconds, by our own clock', () => {
  const nothing = { rows: 0, bytes: 0 };
  const lease = new Lease(
    { attemptId: '00000000-0000-0000-0000-000000000000', elsewhere: nothing },
    () => nothing,
  );
  // A process that was stopped has missed its heartbeats without a sign: its clock alone tells of it.
  const woken = performance.now();
  const clock = jest.spyOn(performance, 'now');
  clock.mockReturnValue(woken + 14_000);
  expect(() => lease.check()).not.toThrow();
  clock.mockReturnValue(woken + 15_001);
  expect(() => lease.check()).toThrow(Fenced);
});
