import { afterAll, expect, test } from '@jest/globals';
import { exportListSchema } from '../../lib/contracts/export-document.ts';
import { sizes } from '../../lib/contracts/sizes.ts';
import { asDemo, call, createExport, ended, monthOfOrders } from '../stack/api.ts';

const made: string[] = [];
afterAll(async () => {
  for (const id of made) await call('DELETE', `/exports/${id}`, { headers: asDemo });
});

/** About 240 kB, which no row of the dataset has a value of. */
const large = {
  ...monthOfOrders,
  where: Array.from({ length: 30 }, () => ({
    column: 'status',
    op: 'eq',
    value: 'x'.repeat(8_000),
  })),
};

test('pages of large requests are small, and leave nothing out', async () => {
  for (let n = 0; n < 6; n++) made.push((await createExport(large)).id);
  const listed: string[] = [];
  let cursor: string | null = null;
  do {
    const query: string = `limit=200${cursor === null ? '' : `&cursor=${cursor}`}`;
    const answer = await call('GET', `/exports?${query}`, { headers: asDemo });
    expect(answer.bytes.length).toBeLessThan(2 * sizes.pageBytes);
    const { items, nextCursor } = answer.json(exportListSchema);
    expect(items.length).toBeGreaterThan(0);
    listed.push(...items.map(({ id }) => id));
    cursor = nextCursor;
  } while (cursor !== null && listed.length < 5_000);
  expect(new Set(listed).size).toBe(listed.length);
  expect(listed.slice(0, made.length)).toEqual(made.toReversed());
});

test('a search finds words in any case, in all that an export is known by, page by page; what is none is refused', async () => {
  const asked = [
    { ...monthOfOrders, format: 'ndjson', compression: 'zstd' },
    { ...monthOfOrders, format: 'json' },
    { ...monthOfOrders, format: 'json', where: [{ column: 'status', op: 'eq', value: 'json' }] },
  ];
  const ids: string[] = [];
  for (const request of asked) ids.push((await createExport(request)).id);
  made.push(...ids);
  const files = await Promise.all(ids.map(async (id) => (await ended(id)).file?.name ?? ''));
  const [first = '', second = '', third = ''] = ids;
  const found = async (
    search: string,
    more: Record<string, string> = {},
  ): Promise<{ ids: string[]; next: string | null }> => {
    const query = new URLSearchParams({ search, limit: '200', ...more });
    const answer = await call('GET', `/exports?${query}`, { headers: asDemo });
    const { items, nextCursor } = answer.json(exportListSchema);
    return { ids: items.map(({ id }) => id).filter((id) => ids.includes(id)), next: nextCursor };
  };
  for (const [search, wanted] of [
    [files[0]?.toUpperCase() ?? '', [first]],
    [second.slice(-8).toUpperCase(), [second]],
    [second, [second]],
    ['  SALES   orders.JSON ', [third, second]],
    ['orders', [third, second, first]],
    ['orders_%', []],
    ['sales iot', []],
    ['cancelled', []],
    ['"', []],
    ['   ', [third, second, first]],
  ] as const)
    expect([search, (await found(search)).ids]).toEqual([search, wanted]);
  const one = await found('orders.json 2024-03', { limit: '1' });
  expect(one.ids).toEqual([third]);
  const rest = await found('orders.json 2024-03', { limit: '1', cursor: one.next ?? '' });
  expect(rest.ids).toEqual([second]);
  const long = await call('GET', `/exports?search=${'x'.repeat(257)}`, { headers: asDemo });
  expect(long.problem().errors?.[0]).toMatchObject({ field: 'search' });
  expect(long.status).toBe(422);
});
