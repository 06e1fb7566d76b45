import { expect, test } from '@jest/globals';
import { type Entry, maxRecordBytes, nextBatch } from './batch.ts';
import { testEntry } from './testing/entries.ts';

const entries = (...sizes: number[]): Entry[] =>
  sizes.map((bytes, offset) => testEntry(0, offset, bytes));

test.each([
  ['no entries', [], { length: 0, full: false }],
  ['fewer than a batch', [1, 1], { length: 2, full: false }],
  ['a whole batch', [1, 1, 1], { length: 3, full: true }],
  ['more than a batch', [1, 1, 1, 1], { length: 3, full: true }],
  ['exactly the maximum of bytes', [60, 40], { length: 2, full: true }],
  ['more bytes than the maximum', [60, 41], { length: 1, full: true }],
  ['one record over the limit', [101], { length: 1, full: true }],
  ['a record over the limit after others', [1, 101], { length: 1, full: true }],
])('nextBatch of %s', (_what, sizes, expected) => {
  expect(nextBatch(entries(...sizes), 3, 100)).toEqual(expected);
});

test('maxRecordBytes leaves room for the event within 6 MB', () => {
  expect(maxRecordBytes).toBeLessThan(6 * 1024 * 1024);
});
