import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
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

describe('the pictures of the glossary', () => {
  const pictures = [
    ...readFileSync('docs/glossary.md', 'utf8').matchAll(/```mermaid\n([^`]*)```/g),
  ].map(([, text = '']) =>
    text
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line.includes(' --> ')),
  );
  const [ofExport = [], ofUnit = [], ofAttempt = []] = pictures;

  /** The states of a table, as its migrations allow them. */
  const allowed = (table: string): string[] => {
    const catalogue = readFileSync('infra/postgres/catalogue.sql', 'utf8');
    const check = new RegExp(`add constraint ${table}_state_check .*`).exec(catalogue)?.[0] ?? '';
    return [...check.matchAll(/'(\w+)'::text/g)].map(([, state = '']) => state).toSorted();
  };
  const named = (arrows: string[]): string[] =>
    [...new Set(arrows.flatMap((arrow) => arrow.match(/\w+/g) ?? []))].toSorted();

  test('have the moves of an export', () => {
    const legal = states.flatMap((from) => moves[from].map((to) => `${from} --> ${to}`));
    expect(ofExport.toSorted()).toEqual(['[*] --> queued', ...legal].toSorted());
  });

  test('have the states of units and attempts', () => {
    expect(named(ofExport)).toEqual(allowed('exports'));
    expect(named(ofUnit)).toEqual(allowed('units'));
    expect(named(ofAttempt)).toEqual(allowed('attempts'));
  });
});
