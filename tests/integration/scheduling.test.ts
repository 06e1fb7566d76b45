import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { exportDocumentSchema } from '../../lib/contracts/export-document.ts';
import { sourceListSchema } from '../../lib/contracts/sources.ts';
import { newAccount } from '../support/accounts.ts';
import { asAdmin, asDemo, asOther, call, createExport, ended, readExport } from '../support/api.ts';
import { cancelRemainingExports, waitForFreeSlots } from '../support/remaining-exports.ts';
import { sourceUrl, sql, stack } from '../support/stack.ts';
import { sweep } from '../support/sweep.ts';
import { waitFor } from '../support/wait-for.ts';

const schema = `scheduling_${Date.now()}`;
/** The gates, in the order in which they open. */
const gates = { long: 2, nap: 3, longNap: 4, lastNap: 5 };
const open = (gate: number) => sql(sourceUrl('sales'), `select setval('${schema}.gate', ${gate})`);
const nap = (name: string) => ({
  sources: ['sales'],
  dataset: `${schema}.${name}`,
  format: 'csv',
});

beforeAll(async () => {
  await waitForFreeSlots();
  // `dear` is estimated at 200 s per row, whatever it takes. A waiting session sees that a gate opens, whatever its
  // snapshot.
  await sql(
    sourceUrl('sales'),
    `create schema ${schema}; set search_path = ${schema}, public;
       create sequence gate;
       create function wait_for(opened int) returns text language plpgsql security definer as $$
         begin
           while (select last_value from ${schema}.gate) < opened loop perform pg_sleep(0.05); end loop;
           return '';
         end $$;
       create function dear(n int) returns int language plpgsql immutable cost 10000000000
         as $$ begin perform ${schema}.wait_for(${gates.long}); return n; end $$;
       create view long as select ${schema}.dear(n) as n from generate_series(1, 1) n;
       create view short as select 1 as n;
       create view nap as select 1 as n, ${schema}.wait_for(${gates.nap}) as nothing;
       create view long_nap as select 1 as n, ${schema}.wait_for(${gates.longNap}) as nothing;
       create view last_nap as select 1 as n, ${schema}.wait_for(${gates.lastNap}) as nothing;
       create view endless as select 1 as n, ${schema}.wait_for(1000) as nothing;
       create view steady as select id, repeat('x', 500) as wide, pg_sleep(0.005)::text as nothing
         from public.customers where id <= 2000`,
  );
});
afterEach(async () => {
  for (const source of ['sales', 'iot'])
    await call('DELETE', `/sources/${source}/pause`, { headers: asAdmin });
  await cancelRemainingExports();
});
afterAll(() => sql(sourceUrl('sales'), `drop schema ${schema} cascade`));

const statuses = async (ids: string[]): Promise<string[]> =>
  (await Promise.all(ids.map((id) => readExport(id)))).map(({ status }) => status);

test('two long snapshots run at a time, and a short export overtakes the third', async () => {
  const long: string[] = [];
  for (let n = 0; n < 3; n++) long.push((await createExport(nap('long'))).id);
  const { id } = await createExport(nap('short'));
  const document = await ended(id);
  expect(document.status).toBe('ready');
  await waitFor('two long snapshots run', async () =>
    (await statuses(long)).filter((status) => status === 'running').length === 2 ? true : undefined,
  );
  expect((await statuses(long)).filter((status) => status === 'queued')).toHaveLength(1);
  await open(gates.long);
  for (const one of long) expect((await ended(one)).status).toBe('ready');
});

test('accounts are served in turn when one has filled the slots, and queuePosition says so', async () => {
  // One slot becomes free long before the others, so that the starts have an order.
  const busy = [await createExport(nap('nap'))];
  const [free] = await sql<{ slots: number }>(
    stack.postgres.catalogue,
    'select count(*)::int as slots from slots where closed_until is null or closed_until < now()',
  );
  while (busy.length < (free?.slots ?? 0) - 1) busy.push(await createExport(nap('long_nap')));
  // One account cannot have the last slot as well as all others.
  const last = await createExport(nap('long_nap'), asAdmin);
  const mixed: { id: string; headers: Record<string, string> }[] = [];
  for (const headers of [asDemo, asDemo, asOther, asDemo, asOther])
    mixed.push({ id: (await createExport(nap('short'), headers)).id, headers });
  // The five calls are not one snapshot: they are repeated until they agree.
  const positions = await waitFor('each export has a queue position of its own', async () => {
    const documents = await Promise.all(
      mixed.map(async ({ id, headers }) =>
        (await call('GET', `/exports/${id}`, { headers })).json(exportDocumentSchema),
      ),
    );
    expect(documents.map(({ status }) => status)).toEqual(mixed.map(() => 'queued'));
    const places = documents.map(({ progress }) => progress.queuePosition ?? -1);
    return places.toSorted((a, b) => a - b).join() === '0,1,2,3,4' ? places : undefined;
  });
  await open(gates.nap);
  const predicted = mixed
    .map(({ id }, n) => ({ id, position: positions[n] ?? -1 }))
    .toSorted((a, b) => a.position - b.position)
    .map(({ id }) => id);
  const started = await waitFor('all exports have started', async () => {
    const rows = await sql<{ export_id: string }>(
      stack.postgres.catalogue,
      'select export_id from attempts where export_id = any($1) order by started_at',
      [predicted],
    );
    return rows.length >= predicted.length ? rows.map((row) => row.export_id) : undefined;
  });
  expect(started).toEqual(predicted);
  await open(gates.longNap);
  for (const { id } of busy) expect((await ended(id)).status).toBe('ready');
  await call('DELETE', `/exports/${last.id}`, { headers: asAdmin });
  // The account that was served less recently is next, whichever requested first.
  const [one, two, three, four, five] = mixed.map(({ id }) => id);
  expect(started).toEqual([three, one, five, two, four]);
});

test('an account gets a slot at once although another account waits for a source that sleeps', async () => {
  const sleeping: string[] = [];
  for (let n = 0; n < 6; n++) sleeping.push((await createExport(nap('endless'))).id);
  const { id } = await createExport(
    { sources: ['iot'], dataset: 'series', format: 'csv' },
    asOther,
  );
  await waitFor(
    'the export is ready while all others run or wait',
    async () => {
      const answer = await call('GET', `/exports/${id}`, { headers: asOther });
      return answer.json(exportDocumentSchema).status === 'ready' ? true : undefined;
    },
    { seconds: 60 },
  );
  const others = await statuses(sleeping);
  expect(others.every((status) => status === 'running' || status === 'queued')).toBe(true);
  for (const one of sleeping) await call('DELETE', `/exports/${one}`, { headers: asDemo });
  for (const one of sleeping) expect((await ended(one)).status).toBe('cancelled');
});

test('an export fails when its account loses the grant, and its owner still sees the document of a ready one', async () => {
  const { id: account, byKey: headers } = await newAccount();
  const grant = (text: string) => sql(stack.postgres.catalogue, text, [account]);
  const ready = await createExport(nap('short'), headers);
  const read = async (id: string) =>
    (await call('GET', `/exports/${id}`, { headers })).json(exportDocumentSchema);
  await waitFor(
    'the export is ready',
    async () => (await read(ready.id)).status === 'ready' || undefined,
  );
  await pause('sales', { reason: 'until the grant is gone' });
  const queuedExports = await createExport(nap('short'), headers);
  await grant(`delete from grants where account_id = $1`);
  await call('DELETE', '/sources/sales/pause', { headers: asAdmin });
  await sweep();
  const failed = await waitFor('the export has failed', async () => {
    const document = await read(queuedExports.id);
    return document.status === 'failed' ? document : undefined;
  });
  expect(failed).toMatchObject({ error: { code: 'forbidden' }, file: null });
  // The owner still sees the documents, but cannot read the contents.
  expect(await read(ready.id)).toMatchObject({ status: 'ready' });
  const content = () => [
    call('GET', `/exports/${ready.id}/manifest`, { headers }),
    call('POST', `/exports/${ready.id}/download`, { headers }),
    call('GET', `/exports/${ready.id}/file`, { headers }),
  ];
  for (const rejected of await Promise.all(content()))
    expect(rejected.problem()).toMatchObject({ status: 403, code: 'forbidden' });
  await grant(`insert into grants (account_id, source) values ($1, 'sales')`);
  const granted = await Promise.all(content());
  expect(granted.map(({ status }) => status)).toEqual([200, 200, 302]);
  await call('DELETE', `/exports/${ready.id}`, { headers });
});

test('an export over the limit of waiting exports is rejected with 429 and Retry-After', async () => {
  const { id: account, byKey: headers } = await newAccount();
  await sql(
    stack.postgres.catalogue,
    `insert into exports (id, owner_id, request) select gen_random_uuid(), $1, '{}' from generate_series(1, 100)`,
    [account],
  );
  const answer = await call('POST', '/exports', { body: nap('short'), headers });
  expect(answer.problem()).toMatchObject({ status: 429, code: 'too_many_requests' });
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  await sql(stack.postgres.catalogue, 'delete from exports where owner_id = $1', [account]);
  const { id } = await createExport(nap('short'), headers);
  await call('DELETE', `/exports/${id}`, { headers });
});

test('etaSeconds of a steady export is within a factor of two', async () => {
  const { id } = await createExport(nap('steady'));
  const measured = await waitFor(
    'a third of the export is done',
    async () => {
      const document = await readExport(id);
      const { rows, estimatedRows, etaSeconds } = document.progress;
      if (document.status !== 'running' || etaSeconds === null) return undefined;
      return rows > 0.3 * (estimatedRows ?? 0) ? { at: Date.now(), etaSeconds } : undefined;
    },
    { seconds: 60, everyMs: 50 },
  );
  const document = await ended(id, 120);
  const left = (Date.parse(document.finishedAt ?? '') - measured.at) / 1_000;
  expect(measured.etaSeconds).toBeGreaterThan(left / 2);
  expect(measured.etaSeconds).toBeLessThan(left * 2);
});

const pause = (source: string, body: unknown, headers: Record<string, string> = asAdmin) =>
  call('POST', `/sources/${source}/pause`, { body, headers });

test('a paused source is not read until it is resumed, and the documents say why', async () => {
  const running = await createExport(nap('last_nap'));
  await waitFor('the export runs', async () =>
    (await readExport(running.id)).status === 'running' ? true : undefined,
  );
  expect((await pause('sales', { reason: 'first' })).status).toBe(204);
  expect((await pause('sales', { reason: 'Vacuum until noon' })).status).toBe(204);
  expect((await readExport(running.id)).progress.waiting).toBeNull();
  const queuedExports = [await createExport(nap('short')), await createExport(nap('short'))];
  const otherSource = await createExport({ sources: ['iot'], dataset: 'series', format: 'csv' });
  expect((await ended(otherSource.id)).status).toBe('ready');
  await open(gates.lastNap);
  expect((await ended(running.id)).status).toBe('ready');
  for (const { id } of queuedExports)
    expect(await readExport(id)).toMatchObject({
      status: 'queued',
      progress: {
        waiting: expect.stringContaining('Vacuum until noon'),
        etaSeconds: null,
      },
    });
  const { sources } = (await call('GET', '/sources', { headers: asDemo })).json(sourceListSchema);
  expect(Object.fromEntries(sources.map(({ name, paused }) => [name, paused]))).toEqual({
    iot: undefined,
    sales: 'Vacuum until noon',
  });
  for (let n = 0; n < 2; n++)
    expect((await call('DELETE', '/sources/sales/pause', { headers: asAdmin })).status).toBe(204);
  for (const { id } of queuedExports)
    expect(await ended(id)).toMatchObject({ status: 'ready', progress: { waiting: null } });
});

test('only an administrator can pause a source, which must exist, with a reason', async () => {
  const reason = 'x';
  const forbidden = await pause('sales', { reason }, asDemo);
  expect(forbidden.problem()).toMatchObject({ status: 403, code: 'forbidden' });
  const resumed = await call('DELETE', '/sources/sales/pause', { headers: asDemo });
  expect(resumed.problem()).toMatchObject({ status: 403, code: 'forbidden' });
  expect((await pause('nope', { reason })).problem()).toMatchObject({ status: 404 });
  for (const body of [{}, { reason: ' ' }, { reason: 1 }, { reason: 'x'.repeat(201) }])
    expect((await pause('sales', body)).problem()).toMatchObject({
      status: 422,
      errors: [{ field: 'reason' }],
    });
  expect((await pause('sales', { reason, until: 'noon' })).problem()).toMatchObject({
    status: 422,
    errors: [{ field: 'until' }],
  });
});
