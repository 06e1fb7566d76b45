import { expect, test } from '@jest/globals';
import { nextSliceHours } from './backfill-rollups.ts';

test('slices grow while they are quick, shrink while they are slow, and are whole hours', () => {
  const slow = 1_000;
  const hoursAfter = (milliseconds: number, from: number): number[] => {
    const all = [from];
    for (let n = 0; n < 7; n++) all.push(nextSliceHours(all.at(-1) ?? from, milliseconds));
    return all;
  };
  expect(hoursAfter(0, 1)).toEqual([1, 2, 4, 8, 16, 24, 24, 24]);
  expect(hoursAfter(slow, 24)).toEqual([24, 12, 6, 3, 1, 1, 1, 1]);
});
