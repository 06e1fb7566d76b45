import { setTimeout } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { shareFor } from './shared.ts';

test('2,000 callers at once cost one', async () => {
  let done = 0;
  const ask = shareFor(50, async () => {
    await setTimeout(100);
    return ++done;
  });
  const first = Array.from({ length: 1_000 }, ask);
  // Longer than its result is kept: it is under way.
  await setTimeout(60);
  const answers = await Promise.all([...first, ...Array.from({ length: 1_000 }, ask)]);
  expect(new Set(answers)).toEqual(new Set([1]));
  expect(await ask()).toBe(2);
});

test('a failure is shared like a result, and the next one tries again', async () => {
  let tries = 0;
  const ask = shareFor(1, async () => {
    if (++tries === 1) throw new Error('first');
    return tries;
  });
  const [one, two] = await Promise.allSettled([ask(), ask()]);
  expect([one.status, two.status]).toEqual(['rejected', 'rejected']);
  await setTimeout(5);
  expect(await ask()).toBe(2);
});
