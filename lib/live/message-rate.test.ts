import { expect, test } from '@jest/globals';
import { MessageRate } from './message-rate.ts';

test('MessageRate limits each connection, and lets it send again', () => {
  const rate = new MessageRate();
  const send = (id: string, count: number, now: number): number =>
    Array.from({ length: count }, () => rate.allows(id, now)).filter(Boolean).length;
  expect(send('a', 100, 0)).toBe(50);
  expect(send('b', 10, 0)).toBe(10);
  expect(send('a', 100, 1_000)).toBe(10);
  expect(send('a', 100, 60_000)).toBe(50);
});
