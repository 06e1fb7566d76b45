import { expect, test } from '@jest/globals';
import { allowanceOf } from './allowed.ts';
import { findHits } from './find-hits.ts';

const notAllowed = (path: string, content: string): string[] =>
  findHits(path, content)
    .filter((hit) => allowanceOf(path, hit) === undefined)
    .map(({ word, column }) => `${word} ${column}`);

test('a word is allowed where the text of an entry covers it, and nowhere else in the line', () => {
  expect(notAllowed('docs/a.md', 'It lags behind the one behind it.')).toEqual(['behind 24']);
});

test('a word is allowed in the files of an entry only', () => {
  expect(notAllowed('infra/a.py', 'if x is None:')).toEqual([]);
  expect(notAllowed('docs/a.md', 'There is none.')).toEqual(['is none 7']);
});
