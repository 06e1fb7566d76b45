import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { sourceStates, states, statesOf, transitions } from './states.ts';

test('failed, cancelled and expired exports have no transitions', () => {
  for (const state of ['failed', 'cancelled', 'expired'] as const)
    expect(transitions[state]).toEqual([]);
});

test('active exports can fail and be cancelled, and those after queued can be queued again', () => {
  const active = ['queued', 'dispatched', 'running', 'completing'];
  expect(sourceStates('failed')).toEqual(active);
  expect(sourceStates('cancelled')).toEqual(active);
  expect(sourceStates('queued')).toEqual(active.slice(1));
});

test('an export becomes ready only from completing', () => {
  expect(sourceStates('ready')).toEqual(['completing']);
});

test('statesOf assigns each state to one public status', () => {
  const statuses = ['queued', 'running', 'ready', 'failed', 'cancelled', 'expired'] as const;
  expect(statuses.flatMap((status) => statesOf(status)).toSorted()).toEqual(states.toSorted());
});

describe('the glossary', () => {
  const diagrams = [
    ...readFileSync('docs/glossary.md', 'utf8').matchAll(/```mermaid\n([^`]*)```/g),
  ].map(([, text = '']) =>
    text
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line.includes(' --> ')),
  );
  const [ofExport = [], ofUnit = [], ofAttempt = []] = diagrams;

  /** Returns the states that the check constraint of a table allows. */
  const statesOfTable = (table: string): string[] => {
    const catalogue = readFileSync('infra/postgres/catalogue.sql', 'utf8');
    const check = new RegExp(`add constraint ${table}_state_check .*`).exec(catalogue)?.[0] ?? '';
    return [...check.matchAll(/'(\w+)'::text/g)].map(([, state = '']) => state).toSorted();
  };
  const statesOfDiagram = (arrows: string[]): string[] =>
    [...new Set(arrows.flatMap((arrow) => arrow.match(/\w+/g) ?? []))].toSorted();

  test('the glossary shows the transitions of an export', () => {
    const arrows = states.flatMap((from) => transitions[from].map((to) => `${from} --> ${to}`));
    expect(ofExport.toSorted()).toEqual(['[*] --> queued', ...arrows].toSorted());
  });

  test('the glossary shows the states that the catalogue allows for exports, units and attempts', () => {
    expect(statesOfDiagram(ofExport)).toEqual(statesOfTable('exports'));
    expect(statesOfDiagram(ofUnit)).toEqual(statesOfTable('units'));
    expect(statesOfDiagram(ofAttempt)).toEqual(statesOfTable('attempts'));
  });
});
