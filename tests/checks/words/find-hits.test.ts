import { describe, expect, test } from '@jest/globals';
import { findHits } from './find-hits.ts';
import { rules } from './rules.ts';

const words = (path: string, content: string): string[] =>
  findHits(path, content).map(({ word }) => word);

describe('findHits finds a word', () => {
  test.each([
    ['in a comment', '// The thread beside it.', ['beside']],
    ['in a comment that goes on in the next line', '/**\n * so\n * many of them\n */', ['so many']],
    ['in a string', "log('put aside');", ['put aside']],
    ['in a template', 'const text = `given back to a pool`;', ['given back']],
    ['as a whole identifier', 'const made = encode();', ['made']],
    ['as a part of an identifier', 'new EncoderBeside();', ['EncoderBeside']],
    ['as a part of a constant', 'const BESIDE_SECONDS = 1;', ['BESIDE_SECONDS']],
    ['as a private name', 'class A { #told = false; }', ['told']],
    ['as a prefix', 'const mostRows = 1;', ['mostRows']],
    ['as a property', 'copy.told.then(end);', ['told']],
  ])('%s', (_where, content, expected) => {
    expect(words('lib/a.ts', content)).toEqual(expected);
  });

  test('in the text of a page', () => {
    expect(words('web/a.tsx', "const a = <p>Nobody's export</p>;")).toEqual(['Nobody']);
  });

  test('in a document, across the end of a line', () => {
    expect(words('docs/a.md', 'It is put\naside.')).toEqual(['put aside']);
  });

  test('at its line and column, with what to write', () => {
    expect(findHits('docs/a.md', 'One.\nIt starts anew.\n')).toEqual([
      { line: 2, column: 11, word: 'anew', text: 'It starts anew.', instead: 'again, new' },
    ]);
  });
});

describe('findHits leaves alone', () => {
  test.each([
    ['prose that has the word in its usual sense', '// The file is made by the worker, mostly.'],
    ['an identifier that only contains the letters', 'const almostDone = utmost + mostly;'],
    ['a comparison', '// as fast as so many as that'],
    ['a regex', 'const pattern = /beside/;'],
  ])('%s', (_what, content) => {
    expect(words('lib/a.ts', content)).toEqual([]);
  });
});

test('each rule says what to write, and has something to look for', () => {
  for (const { instead, phrases, identifiers, parts, prefixes } of rules) {
    expect(instead).not.toBe('');
    expect([phrases, identifiers, parts, prefixes].flatMap((it) => it ?? [])).not.toEqual([]);
  }
});
