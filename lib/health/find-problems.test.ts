import { expect, test } from '@jest/globals';
import type { ConsumerLag } from '../messaging/consumers.ts';
import { duration, findProblems } from './find-problems.ts';
import type { CatalogueMeasures } from './measure-catalogue.ts';

const well: CatalogueMeasures = {
  unsentSeconds: null,
  setAside: 0,
  waitingSeconds: null,
  untakenSeconds: null,
  sweepSeconds: 4,
  slots: 4,
  closedSlots: 0,
  deadLetters: 0,
};
const consumer: ConsumerLag = {
  groupId: 'streamsync-export-worker',
  topic: 'exports.work',
  hasMembers: true,
  messages: 0,
  staleMessages: 0,
};

const codesOf = (
  catalogue: Partial<CatalogueMeasures> | undefined,
  lag: Partial<ConsumerLag> | undefined = {},
  down: { kafkaIsDown?: boolean; storageIsDown?: boolean } = {},
): string[] =>
  findProblems({
    kafkaIsDown: false,
    storageIsDown: false,
    ...down,
    catalogue: catalogue && { ...well, ...catalogue },
    consumers: lag && [{ ...consumer, ...lag }],
  }).map(({ code }) => code);

test('nothing is told of what is well, or busy', () => {
  expect(codesOf({})).toEqual([]);
  expect(
    codesOf(
      {
        unsentSeconds: 29,
        waitingSeconds: 59,
        untakenSeconds: 29,
        sweepSeconds: 119,
        closedSlots: 1,
        deadLetters: 19,
      },
      { messages: 999 },
    ),
  ).toEqual([]);
  // No messages for a group that is not there yet.
  expect(codesOf({}, { hasMembers: false })).toEqual([]);
});

test.each<[string, string[]]>([
  ['outbox_waiting', codesOf({ unsentSeconds: 30 })],
  ['outbox_set_aside', codesOf({ setAside: 1 })],
  ['exports_waiting', codesOf({ waitingSeconds: 60 })],
  ['workers_away', codesOf({ untakenSeconds: 30 })],
  ['sweep_away', codesOf({ sweepSeconds: 120 })],
  ['sweep_away', codesOf({ sweepSeconds: null })],
  ['slots_closed', codesOf({ closedSlots: 2 })],
  ['dead_letters', codesOf({ deadLetters: 20 })],
  ['consumers_away', codesOf({}, { messages: 1, hasMembers: false })],
  ['consumers_behind', codesOf({}, { messages: 1, staleMessages: 1 })],
  ['consumers_behind', codesOf({}, { messages: 1_000 })],
  ['kafka_down', codesOf({}, undefined, { kafkaIsDown: true })],
  ['storage_down', codesOf({}, {}, { storageIsDown: true })],
  ['catalogue_slow', codesOf(undefined)],
])('%s is told from its threshold on, and nothing else', (code, codes) => {
  expect(codes).toEqual([code]);
});

test.each([
  [0, '0 seconds'],
  [1, '1 second'],
  [59, '59 seconds'],
  [60, '1 minute'],
  [3_599, '59 minutes'],
  [3_600, '1 hour'],
  [7_300, '2 hours'],
])('%d s are %s', (seconds, text) => {
  expect(duration(seconds)).toBe(text);
});
