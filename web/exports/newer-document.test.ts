import { expect, test } from '@jest/globals';
import type { ExportDocument } from '../../lib/contracts/export-document.ts';
import { isOlder } from './newer-document.ts';

type State = Pick<ExportDocument, 'status' | 'startedAt' | 'downloadedAt'> & { rows: number };

const state = (change: Partial<State>): Parameters<typeof isOlder>[0] => {
  const { rows, ...own } = {
    status: 'running',
    startedAt: '2026-03-01T12:00:00Z',
    downloadedAt: null,
    rows: 10,
    ...change,
  } satisfies State;
  return { ...own, progress: { rows } };
};

test.each<[string, Partial<State>, Partial<State>]>([
  ['queued after running', { status: 'queued', startedAt: null }, {}],
  ['running after ready', {}, { status: 'ready' }],
  ['fewer rows', { rows: 9 }, { rows: 10 }],
  [
    'not downloaded after downloaded',
    { status: 'ready' },
    { status: 'ready', downloadedAt: '2026-03-01T12:05:00Z' },
  ],
  ['an earlier run', { status: 'failed' }, { startedAt: '2026-03-01T13:00:00Z', rows: 0 }],
])('a document is older: %s', (_name, document, than) => {
  expect(isOlder(state(document), state(than))).toBe(true);
  expect(isOlder(state(than), state(document))).toBe(false);
});

test('the same state is not older', () => {
  expect(isOlder(state({}), state({}))).toBe(false);
});
