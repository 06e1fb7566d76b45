import { expect, test } from '@jest/globals';
import { filterSchema } from './filter.ts';

const matches = (pattern: object, value: unknown): boolean =>
  filterSchema.parse({ value: pattern })(
    Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)),
  );

test.each([
  ['text', { a: ['x'] }, { a: 'x' }, { a: 'y' }],
  ['a number', { a: [1] }, { a: 1 }, { a: '1' }],
  ['true', { a: [true] }, { a: true }, { a: 'true' }],
  ['null', { a: [null] }, { a: null }, {}],
  ['empty text', { a: [''] }, { a: '' }, { a: null }],
  ['one of several values', { a: ['x', 'y'] }, { a: 'y' }, { a: 'z' }],
  ['several fields', { a: ['x'], b: [1] }, { a: 'x', b: 1 }, { a: 'x', b: 2 }],
  ['a field of an object', { a: { b: ['x'] } }, { a: { b: 'x' } }, { b: 'x' }],
  ['prefix', { a: [{ prefix: 'AB' }] }, { a: 'ABC' }, { a: 'CAB' }],
  ['suffix', { a: [{ suffix: '.png' }] }, { a: 'x.png' }, { a: '.png.x' }],
  ['equals-ignore-case', { a: [{ 'equals-ignore-case': 'Ab' }] }, { a: 'aB' }, { a: 'abc' }],
  ['anything-but', { a: [{ 'anything-but': ['x', 1] }] }, { a: 'y' }, { a: 1 }],
  ['anything-but one', { a: [{ 'anything-but': 'x' }] }, { a: null }, { a: 'x' }],
  ['anything-but of an absent field', { a: [{ 'anything-but': 'x' }] }, { a: '' }, {}],
  ['numeric', { a: [{ numeric: ['=', 5] }] }, { a: 5 }, { a: '5' }],
  ['a range', { a: [{ numeric: ['>', 0, '<=', 5] }] }, { a: 5 }, { a: 0 }],
  ['a range without its end', { a: [{ numeric: ['>=', 0, '<', 5] }] }, { a: 0 }, { a: 5 }],
  ['exists', { a: [{ exists: true }] }, { a: null }, { b: 1 }],
  ['exists: false', { a: [{ exists: false }] }, { b: 1 }, { a: 1 }],
  ['exists: false within', { a: { b: [{ exists: false }] } }, { a: 1 }, { a: { b: 1 } }],
  ['$or', { $or: [{ a: ['x'] }, { b: [1] }] }, { b: 1 }, { a: 'y', b: 2 }],
  ['an element of a list', { a: ['x'] }, { a: ['y', 'x'] }, { a: [] }],
  ['an object in a list', { a: { b: ['x'] } }, { a: [{ b: 'y' }, { b: 'x' }] }, { a: [{}] }],
  ['a name of Object', { constructor: [{ exists: true }] }, { constructor: 1 }, {}],
  ['text that is not JSON', [{ 'anything-but': ['error'] }], 'fine', 'error'],
  ['no JSON for a list of rules', [{ exists: true }], 'fine', { a: 1 }],
  ['no text for an object', { a: [{ exists: false }] }, {}, 'fine'],
])('a filter matches %s', (_what, pattern, match, other) => {
  expect(matches(pattern, match)).toBe(true);
  expect(matches(pattern, other)).toBe(false);
});

test('a filter matches neither a record without value nor bytes that are not UTF-8', () => {
  const filter = filterSchema.parse({ value: [{ exists: true }] });
  expect(filter(Buffer.from('x'))).toBe(true);
  expect(filter(null)).toBe(false);
  expect(filter(Buffer.from([0x78, 0xff]))).toBe(false);
});

test.each([
  [{ key: ['x'] }, 'one key, "value"'],
  [{ value: ['x'], key: ['y'] }, 'one key, "value"'],
  [{ value: { a: [{ wildcard: '*' }] } }, 'value.a: {"wildcard":"*"} is no rule'],
  [{ value: { a: [{ cidr: '10.0.0.0/8' }] } }, 'value.a: {"cidr":"10.0.0.0/8"} is no rule'],
  [{ value: { a: [{ 'anything-but': { prefix: 'x' } }] } }, 'is no rule'],
  [{ value: { a: [{ numeric: ['!=', 1] }] } }, 'is no rule'],
  [{ value: { a: { b: 'x' } } }, 'value.a.b: is neither'],
  [{ value: { a: [] } }, 'value.a: has no rule'],
  [{ value: {} }, 'value: is neither'],
  [{ value: { $or: { a: ['x'] } } }, 'value.$or: is no list'],
])('the pattern %j is refused', (pattern, message) => {
  expect(() => filterSchema.parse(pattern)).toThrow(JSON.stringify(message).slice(1, -1));
});
