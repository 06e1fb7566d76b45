import { expect, test } from '@jest/globals';
import { moves, states, statesBefore, statesOf } from './states.ts';

test('an end is an end', () => {
  for (const end of ['failed', 'cancelled', 'expired'] as const) expect(moves[end]).toEqual([]);
});

test('every state that is under way can fail, be cancelled, and but for queued be queued again', () => {
  const underWay = ['queued', 'dispatched', 'running', 'completing'];
  expect(statesBefore('failed')).toEqual(underWay);
  expect(statesBefore('cancelled')).toEqual(underWay);
  expect(statesBefore('queued')).toEqual(underWay.slice(1));
});

test('ready is reached from completing alone', () => {
  expect(statesBefore('ready')).toEqual(['completing']);
});

test('every state has one public name, and every public name its states', () => {
  const publicNames = ['queued', 'running', 'ready', 'failed', 'cancelled', 'expired'] as const;
  expect(publicNames.flatMap((name) => statesOf(name)).toSorted()).toEqual(states.toSorted());
});
