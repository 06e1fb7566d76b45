import { expect, test } from '@jest/globals';
import { liveView, readAddress, toQuery } from './address.ts';

test.each([
  'series=pump-1&series=pump+2&range=6h',
  'series=pump-1',
  '',
  'series=a%26b&from=2026-03-01T12%3A00%3A00.000Z&to=2026-03-01T12%3A30%3A00.000Z',
])('the address ?%s is written as it was read', (query) => {
  expect(toQuery(readAddress(new URLSearchParams(query))).toString()).toBe(query);
});

test('what an address says that cannot be read is left out', () => {
  const query = new URLSearchParams(
    'series=&series=a&series=a&range=9w&from=yesterday&to=2026-03-01',
  );
  expect(readAddress(query)).toEqual({ series: ['a'], view: liveView() });
});

test('an address has at most 200 series', () => {
  const query = new URLSearchParams(
    Array.from({ length: 300 }, (_, index) => ['series', `s${index}`]),
  );
  expect(readAddress(query).series).toHaveLength(200);
});
