import { expect, test } from '@jest/globals';
import { type ProgressRow, positionOf } from './stream-position.ts';

const row = (topic: string, epoch: number, partition: number, next: string): ProgressRow => ({
  topic,
  epoch,
  partition,
  next_offset: next,
});

test('positionOf returns the offsets of every topic', () => {
  expect(
    positionOf([
      row('readings', 1, 0, '9007199254740991'),
      row('readings', 1, 3, '0'),
      row('telegraf', 2, 0, '7'),
    ]),
  ).toEqual(
    new Map([
      [
        'readings',
        {
          epoch: 1,
          nextOffsets: new Map([
            [0, 9_007_199_254_740_991],
            [3, 0],
          ]),
        },
      ],
      ['telegraf', { epoch: 2, nextOffsets: new Map([[0, 7]]) }],
    ]),
  );
});

test('positionOf ignores the progress in earlier epochs, also of partitions without any in the latest', () => {
  const position = positionOf([
    row('readings', 1, 0, '500'),
    row('readings', 1, 1, '400'),
    row('readings', 2, 0, '3'),
  ]);
  expect(position.get('readings')).toEqual({ epoch: 2, nextOffsets: new Map([[0, 3]]) });
});

test('positionOf returns an empty position before the first reading', () => {
  expect(positionOf([]).size).toBe(0);
});
