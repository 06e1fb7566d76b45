import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  adminExportsSchema,
  adminSourcesSchema,
  runningSchema,
  statsSchema,
} from '../../lib/contracts/admin.ts';
import { auditListSchema } from '../../lib/contracts/audit.ts';
import { exportDocumentSchema } from '../../lib/contracts/export-document.ts';
import { basePath } from '../../lib/contracts/route.ts';
import { routes } from '../../lib/contracts/routes.ts';
import { newAccount, type OwnAccount } from '../support/accounts.ts';
import { asAdmin, asDemo, call, createExport, monthOfOrders } from '../support/api.ts';
import { credentials, sourceUrl, sql, stack } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

const schema = `admin_${Date.now()}`;
let account: OwnAccount;
const ids: string[] = [];

const get = (path: string, headers: Record<string, string> = {}) =>
  call('GET', path, { headers: { ...asAdmin, ...headers } });

async function createReady(request: object): Promise<string> {
  const { id } = await createExport(request, account.byKey);
  await waitFor(`export ${id} ends`, async () => {
    const answer = await call('GET', `/exports/${id}`, { headers: account.byKey });
    return answer.json(exportDocumentSchema).finishedAt === null ? undefined : true;
  });
  return id;
}

beforeAll(async () => {
  account = await newAccount();
  await sql(
    sourceUrl('sales'),
    `create schema ${schema}; set search_path = ${schema}, public;
     create function slow(n int) returns int language plpgsql immutable cost 1000
       as 'begin perform pg_sleep(0.02); return n; end';
     create view slowly as select slow(n) as n from generate_series(1, 1000) n;
     create view broken as select 1 / (n - n) as n from generate_series(1, 10) n`,
  );
  ids.push(await createReady(monthOfOrders));
  ids.push(await createReady({ ...monthOfOrders, format: 'ndjson' }));
  ids.push(await createReady({ sources: ['sales'], dataset: `${schema}.broken`, format: 'csv' }));
});
afterAll(() => sql(sourceUrl('sales'), `drop schema ${schema} cascade`));

test('no route of administrators answers an analyst', async () => {
  const all = routes.filter(({ path }) => path.startsWith('/admin/'));
  expect(all.length).toBeGreaterThanOrEqual(8);
  for (const { method, path } of all) {
    const url = path.replaceAll(/\{\w+\}/g, '1');
    const answer = await call(method.toUpperCase(), url, { headers: asDemo });
    expect([basePath + path, answer.status]).toEqual([basePath + path, 403]);
  }
});

describe('GET /admin/exports', () => {
  const list = async (query: string) =>
    (await get(`/admin/exports?owner=${account.email}${query}`)).json(adminExportsSchema);

  test('has the documents of all accounts, by owner, format, status, dataset and source', async () => {
    const newestFirst = ids.toReversed();
    const { items } = await list('');
    expect(items.map(({ id }) => id)).toEqual(newestFirst);
    const own = await call('GET', `/exports/${ids[0]}`, { headers: account.byKey });
    expect(items.at(-1)).toEqual(own.json(exportDocumentSchema));
    const idsOf = async (query: string) => (await list(query)).items.map(({ id }) => id);
    expect(await idsOf('&format=ndjson')).toEqual([ids[1]]);
    expect(await idsOf('&status=failed')).toEqual([ids[2]]);
    expect(await idsOf('&dataset=orders&source=sales')).toEqual([ids[1], ids[0]]);
    expect(await idsOf('&source=iot')).toEqual([]);
    expect(await idsOf(`&from=${new Date(Date.now() + 60_000).toISOString()}`)).toEqual([]);
    const first = await list('&limit=2');
    expect(first.items).toHaveLength(2);
    expect(await idsOf(`&limit=2&cursor=${first.nextCursor}`)).toEqual([ids[0]]);
  });

  test('as CSV it has the same rows', async () => {
    const answer = await get(`/admin/exports?owner=${account.email}`, { accept: 'text/csv' });
    const lines = answer.bytes.toString().trimEnd().split('\n');
    expect(lines[0]).toMatch(/^id,status,owner,sources,dataset,format,/);
    expect(lines.slice(1).map((line) => line.split(',')[0])).toEqual(ids.toReversed());
    expect(lines[3]).toMatch(`${ids[0]},ready,${account.email},sales,orders,csv,none,2024-03-01`);
  });

  test('an export that its owner has deleted stays in it', async () => {
    await call('DELETE', `/exports/${ids[2]}`, { headers: account.byKey });
    expect((await list('')).items.map(({ id }) => id)).toContain(ids[2]);
  });
});

describe('GET /admin/stats', () => {
  const numbersBy = async (by: string, query = '') =>
    (await get(`/admin/stats?by=${by}${query}`)).json(statsSchema).items;

  /** Returns the numbers of rows of exports, computed one by one. */
  async function recomputed(keyOf: (row: ExportRow) => string[]) {
    const rows = await sql<ExportRow>(
      stack.postgres.catalogue,
      `select a.email, e.state, e.created_at, e.request, e.file,
         extract(epoch from e.finished_at - e.started_at)::float8 as seconds
       from exports e join accounts a on a.id = e.owner_id`,
    );
    const groups = new Map<string, ExportRow[]>();
    for (const row of rows)
      for (const key of keyOf(row)) groups.set(key, [...(groups.get(key) ?? []), row]);
    const sum = (of: ExportRow[], field: 'rows' | 'bytes') =>
      of.reduce((total, { file }) => total + (file?.[field] ?? 0), 0);
    return [...groups].map(([key, of]) => {
      const seconds = of
        .flatMap((row) => (row.file ? [row.seconds] : []))
        .toSorted((a, b) => a - b);
      return {
        key,
        exports: of.length,
        ready: seconds.length,
        failed: of.filter(({ state }) => state === 'failed').length,
        rows: sum(of, 'rows'),
        bytes: sum(of, 'bytes'),
        p50: quantile(seconds, 0.5),
        p95: quantile(seconds, 0.95),
      };
    });
  }
  interface ExportRow {
    email: string;
    state: string;
    created_at: Date;
    request: { sources: string[]; format: string };
    file: { rows: number; bytes: number } | null;
    seconds: number;
  }

  /** Interpolates between the two nearest values, as `percentile_cont` does. */
  function quantile(sorted: number[], share: number): number | null {
    const at = share * (sorted.length - 1);
    const [low, high] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
    if (low === undefined || high === undefined) return null;
    return low + (high - low) * (at - Math.floor(at));
  }

  test.each<[string, (row: ExportRow) => string[]]>([
    ['day', ({ created_at }) => [created_at.toISOString().slice(0, 10)]],
    ['owner', ({ email }) => [email]],
    ['source', ({ request }) => request.sources],
    ['format', ({ request }) => [request.format]],
  ])('by %s has what the exports add up to', async (by, keyOf) => {
    const items = await numbersBy(by);
    const expected = await recomputed(keyOf);
    const byKey = <T extends { key: string }>(all: T[]) =>
      all.toSorted((a, b) => (a.key < b.key ? -1 : 1));
    expect(
      byKey(items).map(({ seconds: { p50, p95 }, ...numbers }) => ({
        ...numbers,
        p50: p50 === null ? null : expect.closeTo(p50, 3),
        p95: p95 === null ? null : expect.closeTo(p95, 3),
      })),
    ).toEqual(byKey(expected));
    expect(items.some(({ failed }) => failed > 0)).toBe(true);
  });

  test('of a time range has only the exports created in it', async () => {
    const soon = new Date(Date.now() + 60_000).toISOString();
    expect(await numbersBy('owner', `&from=${soon}`)).toEqual([]);
    expect(await numbersBy('owner', '&to=2020-01-01T00:00:00Z')).toEqual([]);
    const [own] = (await numbersBy('owner', `&to=${soon}`)).filter(
      ({ key }) => key === account.email,
    );
    expect(own).toMatchObject({ exports: 3, ready: 2 });
  });
});

test('GET /admin/running has the units that wait, and those that run with worker, slot and rate', async () => {
  const units = async () => {
    const { items } = (await get('/admin/running?limit=200')).json(runningSchema);
    return items.filter(({ owner }) => owner === account.email);
  };
  const slow = { sources: ['sales'], dataset: `${schema}.slowly`, format: 'csv' };
  const { id } = await createExport(slow, account.byKey);
  const running = await waitFor('the unit runs', async () =>
    (await units()).find(({ exportId, state }) => exportId === id && state === 'running'),
  );
  expect(running).toMatchObject({
    source: 'sales',
    dataset: `${schema}.slowly`,
    format: 'csv',
    kind: 'read',
    state: 'running',
    slot: expect.any(Number),
    worker: expect.stringMatching(/\S/),
    rowsPerSecond: expect.any(Number),
  });
  await call('DELETE', `/exports/${id}`, { headers: account.byKey });

  await call('POST', '/sources/sales/pause', { headers: asAdmin, body: { reason: 'of the test' } });
  try {
    const { id: waiting } = await createExport(monthOfOrders, account.byKey);
    const unit = (await units()).find(({ exportId }) => exportId === waiting);
    expect(unit).toMatchObject({ state: 'waiting', slot: null, worker: null, startedAt: null });
    const { items } = (await get('/admin/sources')).json(adminSourcesSchema);
    const [iot, sales] = items;
    expect(iot).toMatchObject({ name: 'iot', health: 'ok', error: null, pause: null });
    expect(sales).toMatchObject({
      name: 'sales',
      health: 'ok',
      lag: { seconds: null, max: null },
      pause: { reason: 'of the test', by: credentials.admin.email },
      load: { waiting: expect.any(Number) },
      budget: { connections: 8, questionConnections: 6 },
    });
    expect(sales?.load.waiting).toBeGreaterThanOrEqual(1);
    await call('DELETE', `/exports/${waiting}`, { headers: account.byKey });
  } finally {
    await call('DELETE', '/sources/sales/pause', { headers: asAdmin });
  }
});

test('an administrator cancels an export of another account, which waits or runs', async () => {
  const cancel = (id: string, headers: Record<string, string> = asAdmin) =>
    call('POST', `/admin/exports/${id}/cancel`, { headers });
  const slowly = { sources: ['sales'], dataset: `${schema}.slowly`, format: 'csv' };
  const { id: running } = await createExport(slowly, account.byKey);
  const statusOf = async (id: string) =>
    (await call('GET', `/exports/${id}`, { headers: account.byKey })).json(exportDocumentSchema)
      .status;
  await waitFor('it runs', async () =>
    (await statusOf(running)) === 'running' ? true : undefined,
  );
  await call('POST', '/sources/sales/pause', { headers: asAdmin, body: { reason: 'of cancel' } });
  try {
    const { id: waiting } = await createExport(monthOfOrders, account.byKey);
    expect((await cancel(waiting, account.byKey)).problem()).toMatchObject({ status: 403 });
    const cancelled = await cancel(waiting);
    expect(cancelled.status).toBe(200);
    expect(cancelled.json(exportDocumentSchema).status).toBe('cancelled');
    expect((await cancel(waiting)).problem()).toMatchObject({ status: 409, code: 'conflict' });
    expect((await cancel(randomUUID())).problem()).toMatchObject({ status: 404 });
  } finally {
    await call('DELETE', '/sources/sales/pause', { headers: asAdmin });
  }
  expect((await cancel(running)).status).toBe(202);
  await waitFor('it is cancelled', async () =>
    (await statusOf(running)) === 'cancelled' ? true : undefined,
  );
  // The owner keeps the export and may run it again.
  const again = await call('POST', `/exports/${running}/retry`, { headers: account.byKey });
  expect(again.status).toBe(202);
  await call('DELETE', `/exports/${running}`, { headers: account.byKey });
  const { items } = (await get(`/admin/audit?export=${running}&action=export.cancel`)).json(
    auditListSchema,
  );
  expect(items).toContainEqual(
    expect.objectContaining({
      actor: credentials.admin.email,
      target: running,
      outcome: 'done',
      details: { was: 'running' },
    }),
  );
});

test('GET /admin/running has pages', async () => {
  await call('POST', '/sources/sales/pause', { headers: asAdmin, body: { reason: 'of pages' } });
  try {
    const waiting: string[] = [];
    for (let n = 0; n < 3; n++) waiting.push((await createExport(monthOfOrders, account.byKey)).id);
    const seen: string[] = [];
    let cursor: string | null = '';
    do {
      const query: string = cursor === '' ? '' : `&cursor=${cursor}`;
      const page = (await get(`/admin/running?limit=1${query}`)).json(runningSchema);
      seen.push(...page.items.map(({ exportId }) => exportId));
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(seen.filter((id) => waiting.includes(id))).toEqual(waiting);
    for (const id of waiting) await call('DELETE', `/exports/${id}`, { headers: account.byKey });
  } finally {
    await call('DELETE', '/sources/sales/pause', { headers: asAdmin });
  }
});
