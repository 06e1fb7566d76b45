import { afterAll, expect, test } from '@jest/globals';
import { exportListSchema } from '../../lib/contracts/export-document.ts';
import { sizes } from '../../lib/contracts/sizes.ts';
import { asDemo, call, createExport, ended, monthOfOrders } from '../support/api.ts';

const created: string[] = [];
afterAll(async () => {
  for (const id of created) await call('DELETE', `/exports/${id}`, { headers: asDemo });
});

/** A request of about 240 kB, with a value that no row has. */
const large = {
  ...monthOfOrders,
  where: Array.from({ length: 30 }, () => ({
    column: 'status',
    op: 'eq',
    value: 'x'.repeat(8_000),
  })),
};

/** Requests up to the limit, the last one of a page, and 200 documents without their requests. */
const maxPageBytes = sizes.pageBytes + sizes.requestBytes + 200 * 2_000;

test('pages of large requests are small and have no gaps', async () => {
  for (let n = 0; n < 6; n++) created.push((await createExport(large)).id);
  const listed: string[] = [];
  let cursor: string | null = null;
  do {
    const query: string = `limit=200${cursor === null ? '' : `&cursor=${cursor}`}`;
    const answer = await call('GET', `/exports?${query}`, { headers: asDemo });
    expect(answer.bytes.length).toBeLessThan(maxPageBytes);
    const { items, nextCursor } = answer.json(exportListSchema);
    expect(items.length).toBeGreaterThan(0);
    listed.push(...items.map(({ id }) => id));
    cursor = nextCursor;
  } while (cursor !== null && listed.length < 5_000);
  expect(new Set(listed).size).toBe(listed.length);
  expect(listed.slice(0, created.length)).toEqual(created.toReversed());
});

test('a search finds words in any case in all names of an export, across pages; a search over 256 characters is rejected', async () => {
  const requests = [
    { ...monthOfOrders, format: 'ndjson', compression: 'zstd' },
    { ...monthOfOrders, format: 'json' },
    { ...monthOfOrders, format: 'json', where: [{ column: 'status', op: 'eq', value: 'json' }] },
  ];
  const ids: string[] = [];
  for (const request of requests) ids.push((await createExport(request)).id);
  created.push(...ids);
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
  for (const [search, expected] of [
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
    expect([search, (await found(search)).ids]).toEqual([search, expected]);
  const one = await found('orders.json 2024-03', { limit: '1' });
  expect(one.ids).toEqual([third]);
  const rest = await found('orders.json 2024-03', { limit: '1', cursor: one.next ?? '' });
  expect(rest.ids).toEqual([second]);
  const long = await call('GET', `/exports?search=${'x'.repeat(257)}`, { headers: asDemo });
  expect(long.problem().errors?.[0]).toMatchObject({ field: 'search' });
  expect(long.status).toBe(422);
});
