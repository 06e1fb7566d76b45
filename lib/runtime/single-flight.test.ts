import { setTimeout } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { singleFlight } from './single-flight.ts';

test('2,000 concurrent calls of a singleFlight function share one run', async () => {
  let runs = 0;
  const call = singleFlight(50, async () => {
    await setTimeout(100);
    return ++runs;
  });
  const first = Array.from({ length: 1_000 }, call);
  // Longer than the result is cached, but the run has not ended.
  await setTimeout(60);
  const answers = await Promise.all([...first, ...Array.from({ length: 1_000 }, call)]);
  expect(new Set(answers)).toEqual(new Set([1]));
  expect(await call()).toBe(2);
});

test('concurrent calls of a singleFlight function share an error, and a later call runs again', async () => {
  let runs = 0;
  const call = singleFlight(1, async () => {
    if (++runs === 1) throw new Error('first');
    return runs;
  });
  const [one, two] = await Promise.allSettled([call(), call()]);
  expect([one.status, two.status]).toEqual(['rejected', 'rejected']);
  await setTimeout(5);
  expect(await call()).toBe(2);
});
