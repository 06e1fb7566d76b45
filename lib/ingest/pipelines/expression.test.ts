import { describe, expect, test } from '@jest/globals';
import { compileExpression, evaluate, type Root } from './expression.ts';

const root = (item: Root['item']): Root => ({
  item,
  document: { site: 'north', list: [3, 20, 100] },
  headers: { device: 'd-1' },
  key: 'k',
  topic: 't',
});

const resultOf = (text: string, item: Root['item'] = { a: { b: 2 }, s: ' x ', n: null }) =>
  evaluate(compileExpression(text), root(item));

describe('an expression', () => {
  test.each([
    ['a.b', 2],
    ['@.a', { b: 2 }],
    ['$.item.a.b', 2],
    ['$.document.site', 'north'],
    ['$.headers.device', 'd-1'],
    ["join('.', [$.key, $.topic])", 'k.t'],
    ['a.nope', null],
    ['n', null],
    // Methods of objects are no fields.
    ['toString', null],
    ['a.b > `1`', true],
    ["let $site = $.document.site in join('/', [$site, 'x'])", 'north/x'],
    ["'°C'", '°C'],
    ['a.b * `2.5` + `1`', 6],
  ])('%s gives %j', (text, expected) => {
    expect(resultOf(text)).toEqual(expected);
  });

  test.each([
    ['$.document.list | sort(@)', [3, 20, 100]],
    ["sort(['b', 'a'])", ['a', 'b']],
    ['trim(s)', 'x'],
    ['trim_left(s)', 'x '],
    ['trim_right(s)', ' x'],
    ["trim('..x..', '.')", 'x'],
    ["pad_left('7', `3`, '0')", '007'],
    ["pad_right('7', `3`)", '7  '],
  ])('%s gives %j, by a function of ours', (text, expected) => {
    expect(resultOf(text)).toEqual(expected);
  });

  test.each([
    ['a.', /it ends too early/],
    ['', /it ends too early/],
    ['a..b', /is not a JMESPath expression: .*\.\(Dot\)/],
    ['°C', /unknown character: °/],
    ['median(a)', /the unknown function median\(\)/],
    ['a[?median(b)]', /the unknown function median\(\)/],
    ['$sight', /the unknown variable \$sight/],
    ['$.documents.a', /\$\.documents, but \$ has only item, document, headers, key, topic/],
    ['a'.repeat(4_097), /at most 4096 characters/],
  ])('%.20s is refused before any message', (text, message) => {
    expect(() => compileExpression(text)).toThrow(message);
  });

  test.each([
    ['a.nope * `2`', /a\.nope \* `2`: not-a-number/],
    ["join('.', [a, s])", /join\(\) expected argument 2 to be type \(Array<string>\)/],
    ['pad_left(s, `100000000`)', /width of pad_left\(\) must be an integer from 0 to 1000/],
    ["pad_left(s, `5`, 'ab')", /one character/],
  ])('%s fails with what has the wrong type', (text, message) => {
    expect(() => resultOf(text)).toThrow(message);
  });
});
