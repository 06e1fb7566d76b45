import { expect, test } from '@jest/globals';
import { isTransient } from './catalogue-errors.ts';

const withCode = (code: string): Error => Object.assign(new Error('error of a driver'), { code });

test.each(['ECONNREFUSED', '08006', '57P01', '53300', '40P01', '57014', '55P03', '25P03'])(
  'isTransient returns true for %s',
  (code) => {
    expect(isTransient(withCode(code))).toBe(true);
    expect(isTransient(new AggregateError([withCode(code)]))).toBe(true);
  },
);

test.each([
  'Connection terminated unexpectedly',
  'Connection terminated due to connection timeout',
  'timeout exceeded when trying to connect',
  'Client has encountered a connection error and is not queryable',
])('isTransient returns true for "%s"', (message) => {
  expect(isTransient(new Error(message))).toBe(true);
});

test.each([
  ['a value that the catalogue cannot store', withCode('22P05')],
  ['a duplicate key', withCode('23505')],
  ['a text too long for an index', withCode('54000')],
  ['a programming error', new TypeError('x is not a function')],
  ['a stack overflow', new RangeError('Maximum call stack size exceeded')],
  ['undefined', undefined],
])('isTransient returns false for %s', (_what, error) => {
  expect(isTransient(error)).toBe(false);
});
