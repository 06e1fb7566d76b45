import { expect, test } from '@jest/globals';
import { mayPass } from './catalogue-errors.ts';

const withCode = (code: string): Error => Object.assign(new Error('of a driver'), { code });

test.each(['ECONNREFUSED', '08006', '57P01', '53300', '40P01', '57014', '55P03', '25P03'])(
  '%s may pass',
  (code) => {
    expect(mayPass(withCode(code))).toBe(true);
    expect(mayPass(new AggregateError([withCode(code)]))).toBe(true);
  },
);

test.each([
  'Connection terminated unexpectedly',
  'Connection terminated due to connection timeout',
  'timeout exceeded when trying to connect',
  'Client has encountered a connection error and is not queryable',
])('"%s" may pass', (message) => {
  expect(mayPass(new Error(message))).toBe(true);
});

test.each([
  ['a value the catalogue has no place for', withCode('22P05')],
  ['a key there is twice', withCode('23505')],
  ['a text too long for an index', withCode('54000')],
  ['a mistake of ours', new TypeError('x is not a function')],
  ['too deep a recursion', new RangeError('Maximum call stack size exceeded')],
  ['no error at all', undefined],
])('%s does not', (_what, error) => {
  expect(mayPass(error)).toBe(false);
});
