import { expect, test } from '@jest/globals';
import { type Entry, MAX_RECORD_BYTES, nextBatch } from './batch.ts';

const entries = (...sizes: number[]): Entry[] =>
  sizes.map((bytes, index) => ({
    record: {
      topic: 't',
      partition: 0,
      offset: index,
      timestamp: 0,
      timestampType: 'CREATE_TIME',
      headers: [],
    },
    offset: BigInt(index),
    bytes,
    takenAt: 0,
  }));

test.each([
  ['nothing', [], { length: 0, full: false }],
  ['fewer than a batch', [1, 1], { length: 2, full: false }],
  ['a whole batch', [1, 1, 1], { length: 3, full: true }],
  ['more than a batch', [1, 1, 1, 1], { length: 3, full: true }],
  ['as many bytes as go', [60, 40], { length: 2, full: true }],
  ['more bytes than go', [60, 41], { length: 1, full: true }],
  ['one record over the limit', [101], { length: 1, full: true }],
  ['a record over the limit behind others', [1, 101], { length: 1, full: true }],
])('%s', (_what, sizes, expected) => {
  expect(nextBatch(entries(...sizes), 3, 100)).toEqual(expected);
});

test('an event of the largest batch stays under 6 MB', () => {
  expect(MAX_RECORD_BYTES).toBeLessThan(6 * 1024 * 1024);
});
