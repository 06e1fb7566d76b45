import { expect, test } from '@jest/globals';
import { exportEstimateSchema } from '../../lib/contracts/export-document.ts';
import { asDemo, asOther, call, createExport, ended } from '../support/api.ts';
import { sourceUrl, sql } from '../support/stack.ts';

const estimate = async (body: object) => {
  const answer = await call('POST', '/exports/estimate', { headers: asDemo, body });
  expect(answer.status).toBe(200);
  return answer.json(exportEstimateSchema);
};

const within2 = (estimated: number, is: number): void => {
  expect(estimated).toBeGreaterThanOrEqual(is / 2);
  expect(estimated).toBeLessThanOrEqual(is * 2);
};

test.each([
  { sources: ['sales'], dataset: 'orders', format: 'csv' },
  { sources: ['sales'], dataset: 'orders', format: 'json' },
  { sources: ['sales'], dataset: 'orders', format: 'ndjson', compression: 'zstd' },
  { sources: ['sales'], dataset: 'customers', format: 'csv', compression: 'gzip' },
  { sources: ['sales'], dataset: 'order_items', format: 'csv', columns: ['order_id', 'quantity'] },
  { sources: ['iot'], dataset: 'readings', format: 'csv', from: '2025-12-01T00:00:00Z' },
  { sources: ['iot'], dataset: 'readings', format: 'ndjson', from: '2025-12-25T00:00:00Z' },
  { sources: ['sales'], dataset: 'customers', format: 'xlsx' },
  { sources: ['sales'], dataset: 'customers', format: 'parquet' },
  {
    sources: ['iot'],
    dataset: 'readings',
    format: 'parquet',
    compression: 'none',
    from: '2025-12-25T00:00:00Z',
  },
])('the estimate of %j is within a factor of two, before and after the export', async (request) => {
  for (const name of request.sources) await sql(sourceUrl(name), 'analyze');
  const before = await estimate(request);
  const { id } = await createExport(request);
  const { file } = await ended(id);
  within2(before.rows, file?.rows ?? 0);
  within2(before.bytes, file?.bytes ?? 0);
  const after = await estimate(request);
  within2(after.bytes, file?.bytes ?? 0);
  expect(after.seconds).toBeGreaterThan(0);
});

test('an estimate rejects what an export rejects, and creates no export', async () => {
  const newest = async () => (await call('GET', '/exports?limit=1', { headers: asOther })).bytes;
  const before = await newest();
  const answer = await call('POST', '/exports/estimate', {
    headers: asOther,
    body: { sources: ['sales'], dataset: 'nothing', format: 'csv' },
  });
  expect(answer.problem()).toMatchObject({
    status: 422,
    errors: [expect.objectContaining({ field: 'dataset' })],
  });
  const fine = { sources: ['sales'], dataset: 'orders', format: 'csv' };
  await call('POST', '/exports/estimate', { headers: asOther, body: fine });
  expect((await newest()).equals(before)).toBe(true);
});
