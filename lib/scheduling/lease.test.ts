import { afterEach, expect, jest, test } from '@jest/globals';
import { FencedError, Lease } from './lease.ts';

afterEach(() => {
  jest.restoreAllMocks();
});

test('Lease.check throws 15 seconds after the last successful heartbeat, by the local clock', () => {
  const noProgress = { rows: 0, bytes: 0 };
  const lease = new Lease(
    { attemptId: '00000000-0000-0000-0000-000000000000', otherUnits: noProgress },
    () => noProgress,
  );
  // A process that was stopped has missed its heartbeats: only its clock shows it.
  const resumedAt = performance.now();
  const clock = jest.spyOn(performance, 'now');
  clock.mockReturnValue(resumedAt + 14_000);
  expect(() => lease.check()).not.toThrow();
  clock.mockReturnValue(resumedAt + 15_001);
  expect(() => lease.check()).toThrow(FencedError);
});
