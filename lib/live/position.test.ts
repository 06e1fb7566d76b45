import { describe, expect, test } from '@jest/globals';
import type { Position } from './cursor.ts';
import {
  earlierOf,
  isRecreated,
  MovingPosition,
  offsetIn,
  offsetsBetween,
  positionOf,
  reaches,
} from './position.ts';

const at = (epoch: number, offsets: Record<number, number>, topic = 'readings'): Position =>
  positionOf(
    Object.entries(offsets).map(([partition, nextOffset]) => ({
      topic,
      partition: Number(partition),
      epoch,
      nextOffset,
    })),
  );
const partition = (epoch: number, number: number) => ({
  topic: 'readings',
  epoch,
  partition: number,
});

describe('MovingPosition', () => {
  test('moves on and never back', () => {
    const position = new MovingPosition(at(1, { 0: 5 }));
    const before = position.snapshot();
    position.advance({ ...partition(1, 0), nextOffset: 7 });
    position.advance({ ...partition(1, 0), nextOffset: 6 });
    position.advance({ ...partition(1, 3), nextOffset: 2 });
    expect(position.snapshot()).toEqual(at(1, { 0: 7, 3: 2 }));
    expect(before).toEqual(at(1, { 0: 5 }));
  });

  test('starts all partitions of a new epoch at 0, and ignores those of an earlier one', () => {
    const position = new MovingPosition(at(1, { 0: 5, 1: 5 }));
    position.advance({ ...partition(2, 0), nextOffset: 1 });
    position.advance({ ...partition(1, 1), nextOffset: 9 });
    expect(position.snapshot()).toEqual(at(2, { 0: 1 }));
  });
});

test('offsetIn returns the first offset that is not before a position', () => {
  const position = at(2, { 0: 5 });
  expect(offsetIn(position, partition(2, 0))).toBe(5);
  expect(offsetIn(position, partition(2, 1))).toBe(0);
  expect(offsetIn(position, partition(3, 0))).toBe(0);
  expect(offsetIn(position, partition(1, 0))).toBe(Infinity);
  expect(offsetIn(new Map(), partition(1, 0))).toBe(0);
});

test.each<[string, Position, Position, boolean]>([
  ['itself', at(1, { 0: 5 }), at(1, { 0: 5 }), true],
  ['an earlier position', at(1, { 0: 5, 1: 1 }), at(1, { 0: 4 }), true],
  ['a later partition', at(1, { 0: 5 }), at(1, { 0: 4, 1: 1 }), false],
  ['an earlier epoch', at(2, { 0: 1 }), at(1, { 0: 9 }), true],
  ['a later epoch', at(1, { 0: 9 }), at(2, { 0: 1 }), false],
  ['another topic', at(1, { 0: 9 }), at(1, { 0: 1 }, 'plant'), false],
  ['the beginning', new Map(), at(1, {}), true],
])('reaches: %s', (_, a, b, expected) => {
  expect(reaches(a, b)).toBe(expected);
});

test('earlierOf returns what is before both', () => {
  expect(earlierOf(at(1, { 0: 5, 1: 2 }), at(1, { 0: 3, 1: 9 }))).toEqual(at(1, { 0: 3, 1: 2 }));
  expect(earlierOf(at(1, { 0: 5 }), at(2, { 0: 1 }))).toEqual(at(1, { 0: 5 }));
  expect(earlierOf(at(2, { 0: 1 }), at(1, { 0: 5 }))).toEqual(at(1, { 0: 5 }));
  expect(earlierOf(at(1, { 0: 5 }), at(1, { 0: 5 }, 'plant'))).toEqual(new Map());
});

test('offsetsBetween counts the offsets of all partitions and topics', () => {
  const to: Position = new Map([...at(1, { 0: 5, 1: 2 }), ...at(1, { 0: 10 }, 'plant')]);
  expect(offsetsBetween(at(1, { 0: 3, 1: 4 }), to)).toBe(2 + 10);
  expect(offsetsBetween(to, to)).toBe(0);
});

test('isRecreated tells whether a topic has a later epoch', () => {
  expect(isRecreated(at(1, { 0: 3 }), at(2, { 0: 1 }))).toBe(true);
  expect(isRecreated(at(1, { 0: 3 }), at(1, { 0: 9 }))).toBe(false);
  expect(isRecreated(at(1, { 0: 3 }), at(2, { 0: 1 }, 'plant'))).toBe(false);
});
