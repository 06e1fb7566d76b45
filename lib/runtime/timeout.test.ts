import { setTimeout } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { settledWithin, withTimeout } from './timeout.ts';

const never = new Promise<never>(() => undefined);

test('withTimeout returns what the work resolves to, and throws what it throws', async () => {
  expect(await withTimeout(Promise.resolve('done'), 60_000)).toBe('done');
  await expect(withTimeout(Promise.reject(new Error('no')), 60_000)).rejects.toThrow('no');
});

test('withTimeout throws when the work takes too long', async () => {
  await expect(withTimeout(never, 1)).rejects.toThrow('no answer within 1 ms');
  await expect(withTimeout(never, 1, 'Kafka is silent')).rejects.toThrow('Kafka is silent');
});

test('withTimeout ignores a failure after the timeout', async () => {
  const failing = setTimeout(20).then(() => Promise.reject(new Error('too late to matter')));
  await expect(withTimeout(failing, 1)).rejects.toThrow('no answer within 1 ms');
  await setTimeout(40);
});

test('settledWithin returns whether the work ended in time, whichever way', async () => {
  expect(await settledWithin(Promise.resolve(), 60_000)).toBe(true);
  expect(await settledWithin(Promise.reject(new Error('no')), 60_000)).toBe(true);
  expect(await settledWithin(never, 1)).toBe(false);
});
