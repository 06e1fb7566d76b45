import { afterAll, expect, test } from '@jest/globals';
import { exportListSchema } from '../../lib/contracts/export-document.ts';
import { sizes } from '../../lib/contracts/sizes.ts';
import { asDemo, call, createExport, monthOfOrders } from '../stack/api.ts';

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
