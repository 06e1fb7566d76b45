import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { asAdmin, asDemo, call, createExport, readExport } from '../stack/api.ts';
import { follow, type Topic } from '../stack/events.ts';
import { attemptsOf, requireNone } from '../stack/proof.ts';
import { holdRelay } from '../stack/relay-lock.ts';
import { sourceUrl, sql, stack } from '../stack/stack.ts';
import { clearFaults, exportMeeting } from '../stack/storage-faults.ts';
import { until } from '../stack/until.ts';

/** Cancel at each stage of an export: it ends `cancelled`, and the source is left within seconds. */
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
  results = await follow('exports.results');
});
afterEach(() => clearFaults());
afterAll(async () => {
  await results.close();
  await sql(sourceUrl('sales'), 'drop view cancel_endless, cancel_large');
});

const cancel = (id: string) => call('DELETE', `/exports/${id}`, { headers: asDemo });

/** At the source, of its attempts. */
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
  until(`${backends} backends read`, async () =>
    (await backendsOf(id)) >= backends && (await readExport(id)).progress.rows >= 0
      ? true
      : undefined,
  );

/** Five seconds after the answer at most; the machine may be slow, so one more is left to the question itself. */
const sourceIsLeft = (id: string) =>
  until('the source is left', async () => ((await backendsOf(id)) === 0 ? true : undefined), {
    seconds: 6,
    everyMilliseconds: 100,
  });

test('queued', async () => {
  const pause = '/sources/sales/pause';
  await call('POST', pause, { headers: asAdmin, body: { reason: 'to keep it queued' } });
  try {
    const { id } = await createExport(endless);
    expect((await cancel(id)).status).toBe(200);
    await requireNone(id, { status: 'cancelled', results });
    expect(await attemptsOf(id)).toEqual([]);
  } finally {
    await call('DELETE', pause, { headers: asAdmin });
  }
});

test('dispatched: the message about it comes too late', async () => {
  const relay = await holdRelay(stack.postgres.catalogue);
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
  await requireNone(id, { status: 'cancelled', results });
  expect(await attemptsOf(id)).toEqual([]);
});

test('claimed, before it reads', async () => {
  const { id, fault } = await exportMeeting(endless, {
    operation: 'CreateMultipartUpload',
    action: { kind: 'holdAfter' },
  });
  await fault.held();
  expect((await cancel(id)).status).toBe(202);
  await fault.remove();
  await requireNone(id, { status: 'cancelled', results });
});

test('reading', async () => {
  const { id } = await createExport(endless);
  await reading(id);
  expect((await cancel(id)).status).toBe(202);
  await sourceIsLeft(id);
  await requireNone(id, { status: 'cancelled', results });
  expect(await attemptsOf(id)).toEqual(['cancelled']);
});

test('uploading, and the storage does not take it', async () => {
  const { id, fault } = await exportMeeting(large, {
    operation: 'UploadPart',
    action: { kind: 'holdBefore' },
  });
  await fault.held();
  expect((await cancel(id)).status).toBe(202);
  await sourceIsLeft(id);
  // It does not wait for the storage to give up.
  await requireNone(id, { status: 'cancelled', results, seconds: 10 });
});

test('completing: all of it is uploaded, and yet there is no file', async () => {
  const { id, fault } = await exportMeeting(large, {
    operation: 'CompleteMultipartUpload',
    action: { kind: 'holdBefore' },
  });
  await fault.held();
  expect((await cancel(id)).status).toBe(202);
  await fault.remove();
  await requireNone(id, { status: 'cancelled', results });
});

test('several units reading side by side', async () => {
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
    await sourceIsLeft(id);
    await requireNone(id, { status: 'cancelled', results });
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
