import { expect, test } from '@jest/globals';
import { settledWithin } from './timeout.ts';

test('settledWithin returns whether the work ended in time, whichever way', async () => {
  expect(await settledWithin(Promise.resolve(), 60_000)).toBe(true);
  expect(await settledWithin(Promise.reject(new Error('no')), 60_000)).toBe(true);
  expect(await settledWithin(new Promise(() => undefined), 1)).toBe(false);
});
