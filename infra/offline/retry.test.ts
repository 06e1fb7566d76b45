import { expect, test } from '@jest/globals';
import { backoffMs, sleep } from './retry.ts';

test('backoffMs doubles up to the maximum, and adds up to half at random', () => {
  const limits = { firstMs: 100, maxMs: 400 };
  for (const [failures, ms] of [100, 200, 400, 400].entries())
    for (let n = 0; n < 100; n++) {
      const delay = backoffMs(failures, limits);
      expect(delay).toBeGreaterThanOrEqual(ms);
      expect(delay).toBeLessThanOrEqual(1.5 * ms);
    }
  expect(new Set(Array.from({ length: 10 }, () => backoffMs(0, limits))).size).toBeGreaterThan(1);
});

test('sleep ends at once with the reason of the signal', async () => {
  const stopped = new AbortController();
  const sleeping = sleep(60_000, stopped.signal);
  stopped.abort(new Error('stop'));
  await expect(sleeping).rejects.toThrow('stop');
  await expect(sleep(60_000, stopped.signal)).rejects.toThrow('stop');
});
