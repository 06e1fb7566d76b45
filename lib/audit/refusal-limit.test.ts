import { expect, test } from '@jest/globals';
import { RefusalLimit } from './refusal-limit.ts';

const limits = { ofAddress: 2, ofAll: 3, windowMs: 1_000 };

test('the first refusals of an address in a window get an entry, and the next entry counts the others', () => {
  let now = 0;
  const limit = new RefusalLimit(limits, () => now);
  const answers = [1, 2, 3, 4].map(() => limit.omittedBefore('a'));
  expect(answers).toEqual([0, 0, undefined, undefined]);
  now = 999;
  expect(limit.omittedBefore('a')).toBeUndefined();
  now = 1_000;
  expect(limit.omittedBefore('a')).toBe(3);
  expect(limit.omittedBefore('a')).toBe(0);
});

test('many addresses together get a bounded number of entries in a window', () => {
  let now = 0;
  const limit = new RefusalLimit(limits, () => now);
  const recorded = Array.from({ length: 50 }, (_, n) => limit.omittedBefore(`a${n}`));
  expect(recorded.filter((omitted) => omitted !== undefined)).toHaveLength(3);
  now = 1_000;
  expect(limit.omittedBefore('a49')).toBe(1);
});
