import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { asAdmin, asDemo, call, createExport, readExport } from '../support/api.ts';
import { consume, type Topic } from '../support/events.ts';
import { assertNoFile, attemptsOf } from '../support/export-invariants.ts';
import { clearFaults, exportMeeting } from '../support/faults/storage-faults.ts';
import { blockRelay } from '../support/relay-lock.ts';
import { sourceUrl, sql, stack } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

/** Cancels an export at each stage: it ends as `cancelled` and leaves the source within seconds. */
let results: Topic;

const endless = { sources: ['sales'], dataset: 'cancel_endless', format: 'csv' };
const large = { sources: ['sales'], dataset: 'cancel_large', format: 'csv' };

beforeAll(async () => {
  await sql(
    sourceUrl('sales'),
    `create or replace view cancel_endless as
       select c.id, c.created_at, pg_sleep(0.01)::text as nothing from customers c`,
  );
  await sql(
    sourceUrl('sales'),
    `create or replace view cancel_large as
       select n as id, repeat(md5(n::text), 8) as text from generate_series(1, 80000) n`,
  );
  results = await consume('exports.results');
});
afterEach(() => clearFaults());
afterAll(async () => {
  await results.close();
  await sql(sourceUrl('sales'), 'drop view cancel_endless, cancel_large');
});

const cancel = (id: string) => call('DELETE', `/exports/${id}`, { headers: asDemo });

/** Returns the number of backends at the source that belong to attempts of an export. */
async function backendsOf(id: string): Promise<number> {
  const attempts = await sql<{ name: string }>(
    stack.postgres.catalogue,
    `select 'streamsync:' || id as name from attempts where export_id = $1`,
    [id],
  );
  const backends = await sql(
    sourceUrl('sales'),
    'select 1 from pg_stat_activity where application_name = any($1)',
    [attempts.map(({ name }) => name)],
  );
  return backends.length;
}

const reading = (id: string, backends = 1) =>
  waitFor(`${backends} backends read`, async () =>
    (await backendsOf(id)) >= backends && (await readExport(id)).progress.rows >= 0
      ? true
      : undefined,
  );

/**
 * Waits until the source has no backend of the export: 5 s after the answer at most, and 1 s more for slow machines.
 */
const assertSourceLeft = (id: string) =>
  waitFor(
    'the source has no backend of the export',
    async () => ((await backendsOf(id)) === 0 ? true : undefined),
    {
      seconds: 6,
      everyMs: 100,
    },
  );

test('a queued export is cancelled at once, without an attempt', async () => {
  const pause = '/sources/sales/pause';
  await call('POST', pause, { headers: asAdmin, body: { reason: 'to keep it queued' } });
  try {
    const { id } = await createExport(endless);
    expect((await cancel(id)).status).toBe(200);
    await assertNoFile(id, { status: 'cancelled', results });
    expect(await attemptsOf(id)).toEqual([]);
  } finally {
    await call('DELETE', pause, { headers: asAdmin });
  }
});

test('a dispatched export is cancelled before its message arrives, without an attempt', async () => {
  const relay = await blockRelay(stack.postgres.catalogue);
  let id = '';
  try {
    id = (await createExport(endless)).id;
    const [row] = await sql<{ state: string }>(
      stack.postgres.catalogue,
      'select state from exports where id = $1',
      [id],
    );
    expect(row?.state).toBe('dispatched');
    expect((await cancel(id)).status).toBe(200);
  } finally {
    await relay.release();
  }
  await assertNoFile(id, { status: 'cancelled', results });
  expect(await attemptsOf(id)).toEqual([]);
});

test('a claimed export is cancelled before it reads', async () => {
  const { id, fault } = await exportMeeting(endless, {
    operation: 'CreateMultipartUpload',
    action: { kind: 'holdAfter' },
  });
  await fault.held();
  expect((await cancel(id)).status).toBe(202);
  await fault.remove();
  await assertNoFile(id, { status: 'cancelled', results });
});

test('a running export is cancelled while it reads', async () => {
  const { id } = await createExport(endless);
  await reading(id);
  expect((await cancel(id)).status).toBe(202);
  await assertSourceLeft(id);
  await assertNoFile(id, { status: 'cancelled', results });
  expect(await attemptsOf(id)).toEqual(['cancelled']);
});

test('an export is cancelled while the storage does not accept its upload', async () => {
  const { id, fault } = await exportMeeting(large, {
    operation: 'UploadPart',
    action: { kind: 'holdBefore' },
  });
  await fault.held();
  expect((await cancel(id)).status).toBe(202);
  await assertSourceLeft(id);
  // The attempt does not wait for the timeout of the storage.
  await assertNoFile(id, { status: 'cancelled', results, seconds: 10 });
});

test('an export is cancelled after its last part was uploaded, without a file', async () => {
  const { id, fault } = await exportMeeting(large, {
    operation: 'CompleteMultipartUpload',
    action: { kind: 'holdBefore' },
  });
  await fault.held();
  expect((await cancel(id)).status).toBe(202);
  await fault.remove();
  await assertNoFile(id, { status: 'cancelled', results });
});

test('an export in units is cancelled while several units read in parallel', async () => {
  await sql(
    sourceUrl('sales'),
    `create or replace function cancel_cost(bigint) returns text language plpgsql immutable
       cost 1000000 as $$ begin perform pg_sleep(0.01); return 'x'; end $$`,
  );
  await sql(
    sourceUrl('sales'),
    `create or replace view cancel_units as
       select o.id, o.ordered_at, cancel_cost(o.id) as nothing from orders o`,
  );
  try {
    const { id } = await createExport({
      sources: ['sales'],
      dataset: 'cancel_units',
      format: 'csv',
      consistency: 'resumable',
      from: '2024-01-01T00:00:00Z',
      to: '2024-06-01T00:00:00Z',
    });
    await reading(id, 2);
    expect((await cancel(id)).status).toBe(202);
    await assertSourceLeft(id);
    await assertNoFile(id, { status: 'cancelled', results });
    const units = await sql<{ state: string }>(
      stack.postgres.catalogue,
      'select distinct state from units where export_id = $1',
      [id],
    );
    expect(units).toEqual([{ state: 'cancelled' }]);
  } finally {
    await sql(sourceUrl('sales'), 'drop view cancel_units; drop function cancel_cost');
  }
});
