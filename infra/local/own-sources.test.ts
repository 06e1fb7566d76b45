import { expect, test } from '@jest/globals';
import { StackError } from './errors.ts';
import { readOwnSources } from './own-sources.ts';

const refusalOf = (text: string): StackError => {
  try {
    readOwnSources(text, ['sales', 'iot']);
  } catch (error) {
    if (error instanceof StackError) return error;
    throw error;
  }
  throw new Error(`nothing is wrong with ${text}`);
};

const url = 'postgres://reader:secret-word@127.0.0.1/shop';

test('the databases are those of the variable, in the shape of a deployment; none where it is not set', () => {
  expect(readOwnSources(undefined, ['sales'])).toEqual({});
  expect(readOwnSources(' ', ['sales'])).toEqual({});
  const text = JSON.stringify({ shop: { url, timeColumns: { orders: 'paid_at' } } });
  const read = readOwnSources(text, ['sales']);
  expect(read).toEqual({ shop: { url, timeColumns: { orders: 'paid_at' } } });
  // What the functions are told says all that was said.
  expect(JSON.stringify(read)).toBe(text);
});

test.each([
  ['{shop', 'is not JSON'],
  [JSON.stringify({ shop: url }), 'shop: '],
  [JSON.stringify({ shop: { url: 'mysql://reader:secret-word@host/db' } }), 'shop: url: '],
  [JSON.stringify({ shop: { url, maxConections: 3 } }), 'maxConections'],
  [JSON.stringify({ 'My shop': { url } }), 'My shop: is no name of a source'],
  [JSON.stringify({ shop: { url }, sales: { url } }), 'names sales, which the demo has'],
])('%s is refused by name, and without what lets somebody in', (text, said) => {
  const { message, details } = refusalOf(text);
  const whole = [message, ...details].join('\n');
  expect(whole).toContain('STREAMSYNC_SOURCES');
  expect(whole).toContain(said);
  expect(whole).not.toContain('secret-word');
});
