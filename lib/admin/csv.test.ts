import { expect, test } from '@jest/globals';
import { csvResponse, nextPath, wantsCsv } from './csv.ts';

const listOf = (items: string[][]) => ({
  header: ['a', 'b'],
  toRow: (item: string[]) => item,
  read: async (cursor: string | undefined, limit: number) => {
    const start = Number(cursor ?? 0);
    const page = items.slice(start, start + limit);
    const next = start + page.length;
    return { items: page, nextCursor: next < items.length ? String(next) : null };
  },
});
const path = nextPath('/api/v1/admin/audit', { actor: 'a@b.example', limit: undefined });

test.each([
  ['=1+1', `'=1+1`],
  ['+1', `'+1`],
  ['-1', `'-1`],
  ['@x', `'@x`],
  ['\tx', `'\tx`],
  ['\r=x', `"'\n=x"`],
  ['\uff1dx', `'\uff1dx`],
  ['x=1', 'x=1'],
  ['a,"b"', '"a,""b"""'],
  ['a\rb', '"a\nb"'],
])('the text %j is %j in CSV', async (text, expected) => {
  const { text: csv } = await csvResponse(listOf([[text, 'x']]), {}, path);
  expect(csv).toBe(`a,b\n${expected},x\n`);
});

test('a list of several pages is one CSV, and a longer one has a link to its next page', async () => {
  const rows = Array.from({ length: 10_001 }, (_, n) => [String(n), 'x']);
  const all = await csvResponse(listOf(rows.slice(0, 450)), {}, path);
  expect(all.text?.split('\n')).toHaveLength(450 + 2);
  expect(all.headers).not.toHaveProperty('link');
  const first = await csvResponse(listOf(rows), {}, path);
  expect(first.text?.split('\n')).toHaveLength(10_000 + 2);
  expect(first.headers).toMatchObject({
    link: '</api/v1/admin/audit?actor=a%40b.example&cursor=10000>; rel="next"',
  });
  const limited = await csvResponse(listOf(rows), { limit: 3, cursor: '5' }, path);
  expect(limited.text).toBe('a,b\n5,x\n6,x\n7,x\n');
});

test.each([
  ['text/csv', true],
  ['application/json, text/csv;q=0.5', true],
  ['TEXT/CSV', true],
  ['application/json', false],
  ['text/csvx', false],
  [undefined, false],
])('Accept: %s wants CSV: %s', (accept, expected) => {
  expect(wantsCsv(accept)).toBe(expected);
});
