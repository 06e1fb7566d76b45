import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { downloadSchema, exportListSchema } from '../../lib/contracts/export-document.ts';
import { sizes } from '../../lib/contracts/sizes.ts';
import { newAccount, type OwnAccount } from '../support/accounts.ts';
import { asDemo, call, createExport, ended, monthOfOrders } from '../support/api.ts';
import { waitFor } from '../support/wait-for.ts';

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

describe('the list of an account', () => {
  let account: OwnAccount;
  /** Their ids in the order of creation. */
  const ids: string[] = [];
  const requests = [
    { ...monthOfOrders, name: ' Gehälter, Gebühr ', ttlSeconds: 7_200 },
    { ...monthOfOrders, to: '2024-03-02T00:00:00Z', format: 'json', ttlSeconds: 3_600 },
    { sources: ['iot'], dataset: 'series', format: 'csv', ttlSeconds: 86_400 },
  ];

  const read = async (query: Record<string, string> = {}) =>
    (await call('GET', `/exports?${new URLSearchParams(query)}`, { headers: account.byKey })).json(
      exportListSchema,
    );
  /** Returns the places in `requests` of the exports of a page. */
  const found = async (query: Record<string, string>) =>
    (await read(query)).items.map(({ id }) => ids.indexOf(id));

  beforeAll(async () => {
    account = await newAccount();
    for (const request of requests) {
      ids.push((await createExport(request, account.byKey)).id);
      await waitFor('the export is ready', async () =>
        (await read()).items.every(({ status }) => status === 'ready') ? true : undefined,
      );
    }
  });

  test('is filtered by source, dataset, format, status and time of the request', async () => {
    expect(await found({})).toEqual([2, 1, 0]);
    expect(await found({ source: 'iot' })).toEqual([2]);
    expect(await found({ dataset: 'orders', format: 'json' })).toEqual([1]);
    expect(await found({ format: 'csv', status: 'ready' })).toEqual([2, 0]);
    expect(await found({ status: 'failed' })).toEqual([]);
    const { items } = await read();
    const middle = items[1]?.createdAt ?? '';
    expect(await found({ from: middle })).toEqual([2, 1]);
    expect(await found({ to: middle })).toEqual([0]);
    expect(await found({ source: 'sales', search: 'json' })).toEqual([1]);
  });

  test.each([
    ['createdAt', [0, 1, 2]],
    ['-createdAt', [2, 1, 0]],
    ['expiresAt', [1, 0, 2]],
    ['-expiresAt', [2, 0, 1]],
  ])('is sorted by %s, across pages', async (sort, expected) => {
    const places: number[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page = await read({ sort, limit: '1', ...(cursor === '' ? {} : { cursor }) });
      places.push(...page.items.map(({ id }) => ids.indexOf(id)));
      cursor = page.nextCursor;
    }
    expect(places).toEqual(expected);
  });

  test.each(['rows', 'bytes'] as const)('is sorted by %s, in both directions', async (by) => {
    const { items } = await read();
    const expected = items
      .toSorted((a, b) => (a.file?.[by] ?? 0) - (b.file?.[by] ?? 0))
      .map(({ id }) => ids.indexOf(id));
    expect(await found({ sort: by })).toEqual(expected);
    expect(await found({ sort: `-${by}` })).toEqual(expected.toReversed());
    const rest = await read({ sort: by, cursor: ids[expected[0] ?? 0] ?? '' });
    expect(rest.items.map(({ id }) => ids.indexOf(id))).toEqual(expected.slice(1));
  });

  test('has the name that people gave, by which it is found, and which begins the file name', async () => {
    expect(await found({ search: 'gehälter GEBÜHR' })).toEqual([0]);
    const [named] = (await read({ search: 'gehälter' })).items;
    expect(named?.request.name).toBe('Gehälter, Gebühr');
    expect(named?.file?.name).toMatch(/^Gehalter_Gebuhr_2024-03_[0-9a-f]{8}\.csv$/);
    const ticket = await call('POST', `/exports/${named?.id}/download`, { headers: account.byKey });
    const { headers } = await call('GET', ticket.json(downloadSchema).url);
    const range = named?.file?.name.slice('Gehalter_Gebuhr'.length);
    expect(headers.get('content-disposition')).toBe(
      `attachment; filename="${named?.file?.name}"; filename*=UTF-8''Geh%C3%A4lter%2C%20Geb%C3%BChr${range}`,
    );
  });

  test('counts the exports of each status that meet the other filters, whatever the page and the status', async () => {
    const none = { queued: 0, running: 0, ready: 0, failed: 0, cancelled: 0, expired: 0 };
    expect((await read()).counts).toBeUndefined();
    expect((await read({ counts: 'true', limit: '1' })).counts).toEqual({ ...none, ready: 3 });
    const failed = await read({ counts: 'true', source: 'sales', status: 'failed' });
    expect(failed).toEqual({ items: [], nextCursor: null, counts: { ...none, ready: 2 } });
    const { counts } = await read({ counts: 'true', search: 'no export has this' });
    expect(counts).toEqual(none);
  });

  test('does not begin after an export of another account', async () => {
    const { id } = await createExport(monthOfOrders);
    created.push(id);
    expect(await found({ sort: '-rows', cursor: id })).toEqual([]);
  });

  test.each([
    [{ sort: 'owner' }, 'sort'],
    [{ format: 'pdf' }, 'format'],
    [{ from: 'yesterday' }, 'from'],
    [{ source: '' }, 'source'],
    [{ cursor: 'x' }, 'cursor'],
  ])('with %j is rejected', async (query, field) => {
    const answer = await call('GET', `/exports?${new URLSearchParams(query)}`, {
      headers: account.byKey,
    });
    expect(answer.problem()).toMatchObject({ status: 422, errors: [{ field }] });
  });
});

test.each([
  ['', 'must not be empty'],
  ['   ', 'must not be empty'],
  ['x'.repeat(101), 'at most 100 characters'],
  ['two\nlines', 'control characters'],
  [7, 'string'],
])('the name %j of an export is rejected', async (name, reason) => {
  const answer = await call('POST', '/exports', {
    headers: asDemo,
    body: { ...monthOfOrders, name },
  });
  expect(answer.problem()).toMatchObject({
    status: 422,
    errors: [{ field: 'name', message: expect.stringContaining(reason) }],
  });
});
