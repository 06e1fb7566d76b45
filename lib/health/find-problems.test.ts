import { expect, test } from '@jest/globals';
import { duration, findProblems } from './find-problems.ts';
import type { CatalogueMeasures } from './measure-catalogue.ts';
import type { OurConsumerLag } from './our-consumers.ts';

const healthy: CatalogueMeasures = {
  unsentSeconds: null,
  setAside: 0,
  waitingSeconds: null,
  unclaimedSeconds: null,
  sweepSeconds: 4,
  slots: 4,
  closedSlots: 0,
  deadLetters: 0,
  rejectedReadings: 0,
};
const consumer: OurConsumerLag = {
  groupId: 'streamsync-export-worker',
  topic: 'exports.work',
  purpose: 'exports',
  hasMembers: true,
  messages: 0,
  staleMessages: 0,
};

const codesOf = (
  catalogue: Partial<CatalogueMeasures> | undefined,
  lag: Partial<OurConsumerLag> | undefined = {},
  down: { kafkaIsDown?: boolean; storageIsDown?: boolean } = {},
): string[] =>
  findProblems({
    kafkaIsDown: false,
    storageIsDown: false,
    ...down,
    catalogue: catalogue && { ...healthy, ...catalogue },
    consumers: lag && [{ ...consumer, ...lag }],
  }).map(({ code }) => code);

test('findProblems returns no problem for a healthy or busy system', () => {
  expect(codesOf({})).toEqual([]);
  expect(
    codesOf(
      {
        unsentSeconds: 29,
        waitingSeconds: 59,
        unclaimedSeconds: 29,
        sweepSeconds: 119,
        closedSlots: 1,
        deadLetters: 19,
        rejectedReadings: 19,
      },
      { messages: 999 },
    ),
  ).toEqual([]);
  // A consumer group without messages need not exist yet.
  expect(codesOf({}, { hasMembers: false })).toEqual([]);
  // A stream of readings may have any number of records in flight.
  expect(codesOf({}, { purpose: 'ingest', messages: 100_000 })).toEqual([]);
});

test.each<[string, string[]]>([
  ['outbox_waiting', codesOf({ unsentSeconds: 30 })],
  ['outbox_set_aside', codesOf({ setAside: 1 })],
  ['exports_waiting', codesOf({ waitingSeconds: 60 })],
  ['workers_away', codesOf({ unclaimedSeconds: 30 })],
  ['sweep_away', codesOf({ sweepSeconds: 120 })],
  ['sweep_away', codesOf({ sweepSeconds: null })],
  ['slots_closed', codesOf({ closedSlots: 2 })],
  ['dead_letters', codesOf({ deadLetters: 20 })],
  ['readings_rejected', codesOf({ rejectedReadings: 20 })],
  ['readings_delayed', codesOf({}, { purpose: 'ingest', messages: 1, staleMessages: 1 })],
  ['readings_delayed', codesOf({}, { purpose: 'ingest', messages: 1, hasMembers: false })],
  ['deliveries_delayed', codesOf({}, { purpose: 'deliveries', messages: 1, staleMessages: 1 })],
  ['deliveries_delayed', codesOf({}, { purpose: 'deliveries', messages: 1, hasMembers: false })],
  ['live_delayed', codesOf({}, { purpose: 'fan-out', messages: 1, staleMessages: 1 })],
  ['live_delayed', codesOf({}, { purpose: 'fan-out', messages: 1, hasMembers: false })],
  ['consumers_away', codesOf({}, { messages: 1, hasMembers: false })],
  ['consumers_behind', codesOf({}, { messages: 1, staleMessages: 1 })],
  ['consumers_behind', codesOf({}, { messages: 1_000 })],
  ['kafka_down', codesOf({}, undefined, { kafkaIsDown: true })],
  ['storage_down', codesOf({}, {}, { storageIsDown: true })],
  ['catalogue_slow', codesOf(undefined)],
])('findProblems returns only %s at its threshold', (code, codes) => {
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
])('duration writes %d s as %s', (seconds, text) => {
  expect(duration(seconds)).toBe(text);
});
