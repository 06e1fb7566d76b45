import { expect, test } from '@jest/globals';
import { KernelMemory } from './kernel-memory.ts';

test('a released memory is acquired again if it has enough room', () => {
  const small = KernelMemory.acquire(100_000);
  const large = KernelMemory.acquire(1_000_000);
  expect(KernelMemory.acquire(100_000)).not.toBe(small);
  KernelMemory.release(small);
  KernelMemory.release(large);
  expect(KernelMemory.acquire(1_000_000)).toBe(large);
  expect(KernelMemory.acquire(1_000_000).hasRoomFor(1_000_000)).toBe(true);
  expect(KernelMemory.acquire(100_000)).toBe(small);
  expect(KernelMemory.acquire(100_000)).not.toBe(small);
});

test('two released memories are kept, those that were released last', () => {
  const [first, ...others] = [1, 2, 3].map(() => KernelMemory.acquire(100_000));
  for (const memory of [first, ...others]) if (memory) KernelMemory.release(memory);
  const acquired = [1, 2, 3].map(() => KernelMemory.acquire(100_000));
  expect(new Set(acquired.slice(0, 2))).toEqual(new Set(others));
  expect(acquired[2]).not.toBe(first);
});
