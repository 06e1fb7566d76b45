import { expect, test } from '@jest/globals';
import { reportedEntries } from './batch-response.ts';
import { testEntry } from './testing/entries.ts';

const reportOf = (...items: [partition: string, offset: unknown][]) => ({
  batchItemFailures: items.map(([partition, offset]) => ({
    itemIdentifier: { partition, offset },
  })),
});

/** Of an event; both partitions have the offset 6. */
const entries = [testEntry(0, 5), testEntry(0, 6), testEntry(0, 7), testEntry(1, 6)];

test.each([
  ['null', null, []],
  ['no answer', undefined, []],
  ['an empty object', {}, []],
  ['an empty list', reportOf(), []],
  ['null instead of a list', { batchItemFailures: null }, []],
  ['two records', reportOf(['t-0', 6], ['t-0', 7]), ['0@6', '0@7']],
  ['a record twice', reportOf(['t-0', 6], ['t-0', 6]), ['0@6']],
  ['a record of another partition', reportOf(['t-1', 6]), ['1@6']],
  ['records of two partitions', reportOf(['t-1', 6], ['t-0', 5]), ['0@5', '1@6']],
])('reportedEntries of %s', (_what, response, expected) => {
  const places = reportedEntries(response, entries)?.map(
    ({ record: { partition, offset } }) => `${partition}@${offset}`,
  );
  expect(places).toEqual(expected);
});

test.each([
  ['a partition that was not in the event', reportOf(['t-2', 6])],
  ['an offset that was not in the event', reportOf(['t-0', 6], ['t-0', 8])],
  ['an offset of the other partition', reportOf(['t-1', 7])],
  ['an offset that is text', reportOf(['t-0', '6'])],
  ['the form of Kinesis', { batchItemFailures: [{ itemIdentifier: '6' }] }],
  ['text', 'done'],
])('%s means that the whole batch failed', (_what, response) => {
  expect(reportedEntries(response, entries)).toBeUndefined();
});
