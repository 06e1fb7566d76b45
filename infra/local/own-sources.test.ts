import { expect, test } from '@jest/globals';
import { StackError } from './errors.ts';
import { readOwnSources } from './own-sources.ts';

function errorOf(text: string): StackError {
  try {
    readOwnSources(text, ['sales', 'iot']);
  } catch (error) {
    if (error instanceof StackError) return error;
    throw error;
  }
  throw new Error(`no error for ${text}`);
}

const url = 'postgres://reader:secret-word@127.0.0.1/shop';

test('readOwnSources returns the settings of the variable, and {} if it is not set', () => {
  expect(readOwnSources(undefined, ['sales'])).toEqual({});
  expect(readOwnSources(' ', ['sales'])).toEqual({});
  const text = JSON.stringify({ shop: { url, timeColumns: { orders: 'paid_at' } } });
  const sources = readOwnSources(text, ['sales']);
  expect(sources).toEqual({ shop: { url, timeColumns: { orders: 'paid_at' } } });
  // The functions get every setting that the variable has.
  expect(JSON.stringify(sources)).toBe(text);
});

test.each([
  ['{shop', 'is not JSON'],
  [JSON.stringify({ shop: url }), 'shop: '],
  [JSON.stringify({ shop: { url: 'mysql://reader:secret-word@host/db' } }), 'shop: url: '],
  [JSON.stringify({ shop: { url, maxConections: 3 } }), 'maxConections'],
  [JSON.stringify({ 'My shop': { url } }), 'My shop: is not a source name'],
  [JSON.stringify({ shop: { url }, sales: { url } }), 'names sales, which the demo uses'],
])('readOwnSources names what is wrong with %s, without its password', (text, reason) => {
  const { message, details } = errorOf(text);
  const output = [message, ...details].join('\n');
  expect(output).toContain('STREAMSYNC_SOURCES');
  expect(output).toContain(reason);
  expect(output).not.toContain('secret-word');
});
