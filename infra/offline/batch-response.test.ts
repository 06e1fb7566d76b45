import { expect, test } from '@jest/globals';
import { failedOffsets } from './batch-response.ts';

const reportOf = (...items: [partition: string, offset: unknown][]) => ({
  batchItemFailures: items.map(([partition, offset]) => ({
    itemIdentifier: { partition, offset },
  })),
});

test.each([
  ['null', null, []],
  ['no answer', undefined, []],
  ['an empty object', {}, []],
  ['an empty list', reportOf(), []],
  ['null instead of a list', { batchItemFailures: null }, []],
  ['two records', reportOf(['t-0', 6], ['t-0', 7]), [6, 7]],
  ['a record twice', reportOf(['t-0', 6], ['t-0', 6]), [6]],
])('failedOffsets of %s', (_what, response, expected) => {
  expect([...(failedOffsets(response, 't-0', new Set([5, 6, 7])) ?? ['all'])]).toEqual(expected);
});

test.each([
  ['another partition', reportOf(['t-1', 6])],
  ['an offset that was not in the event', reportOf(['t-0', 6], ['t-0', 8])],
  ['an offset that is text', reportOf(['t-0', '6'])],
  ['the form of Kinesis', { batchItemFailures: [{ itemIdentifier: '6' }] }],
  ['text', 'done'],
])('%s means that the whole batch failed', (_what, response) => {
  expect(failedOffsets(response, 't-0', new Set([5, 6, 7]))).toBeUndefined();
});
