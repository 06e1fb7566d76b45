import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import {
  exportDocumentSchema,
  exportListSchema,
  manifestSchema,
} from '../../lib/contracts/export-document.ts';
import {
  asDemo,
  asOther,
  call,
  createExport,
  download,
  ended,
  monthOfOrders,
  readExport,
} from '../support/api.ts';
import { referenceCsv, sortedLines, sourceUrl, sql } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

const inMarch = `ordered_at >= '2024-03-01T00:00:00Z' and ordered_at < '2024-04-01T00:00:00Z'`;

describe('an export', () => {
  test('an export has exactly the rows of the database, and its manifest proves it', async () => {
    const created = await createExport(monthOfOrders);
    expect(['queued', 'running', 'ready']).toContain(created.status);
    const document = await ended(created.id);
    expect(document).toMatchObject({ status: 'ready', error: null, downloadedAt: null });

    const file = await download(created.id);
    expect(file.status).toBe(200);
    const reference = await referenceCsv('sales', `select * from orders where ${inMarch}`);
    expect(sortedLines(file.bytes)).toBe(sortedLines(reference));

    const [counted] = await sql<{ rows: string }>(
      sourceUrl('sales'),
      `select count(*) as rows from orders where ${inMarch}`,
    );
    const facts = {
      name: `orders_2024-03_${created.id.slice(-8)}.csv`,
      bytes: file.bytes.length,
      rows: Number(counted?.rows),
      sha256: createHash('sha256').update(file.bytes).digest('hex'),
    };
    expect(document.file).toMatchObject(facts);
    expect(document.progress).toMatchObject({ rows: facts.rows, bytes: facts.bytes });
    const manifest = (
      await call('GET', `/exports/${created.id}/manifest`, { headers: asDemo })
    ).json(manifestSchema);
    expect(manifest).toMatchObject({ exportId: created.id, file: facts, truncated: false });
    expect(manifest.sources).toEqual([
      expect.objectContaining({ name: 'sales', rows: facts.rows, rowsWithoutTime: 0 }),
    ]);
    expect(manifest.columns[0]).toEqual({ name: 'id', databaseType: 'bigint', fileType: 'text' });
    const lived = Date.parse(document.expiresAt ?? '') - Date.parse(document.finishedAt ?? '');
    expect(lived).toBe(86_400_000);
  });

  test('an export has the requested columns in their order', async () => {
    const { id } = await createExport({ ...monthOfOrders, columns: ['total', 'comment', 'id'] });
    expect((await ended(id)).status).toBe('ready');
    const reference = await referenceCsv(
      'sales',
      `select total, comment, id from orders where ${inMarch}`,
    );
    expect(sortedLines((await download(id)).bytes)).toBe(sortedLines(reference));
  });

  test('an export of a range without rows is only a header', async () => {
    const { id } = await createExport({
      ...monthOfOrders,
      from: '1999-01-01T00:00:00Z',
      to: '1999-02-01T00:00:00Z',
      columns: ['id', 'total'],
    });
    expect((await ended(id)).file?.rows).toBe(0);
    expect((await download(id)).bytes.toString()).toBe('id,total\n');
  });

  test('a range with equal from and to has no rows', async () => {
    const { id } = await createExport({
      ...monthOfOrders,
      to: monthOfOrders.from,
      columns: ['id'],
    });
    expect((await ended(id)).file?.rows).toBe(0);
  });

  test.each([
    ['sales', 'order_items', 'select * from order_items'],
    ['sales', 'crm.contacts', 'select * from crm.contacts'],
    ['sales', 'orders_by_day', 'select * from orders_by_day'],
    ['sales', 'revenue_by_month', 'select * from revenue_by_month'],
    ['iot', 'readings', 'select * from readings'],
  ])('an export of all of %s %s equals the server’s own CSV', async (source, dataset, query) => {
    const { id } = await createExport({ sources: [source], dataset, format: 'csv' });
    const document = await ended(id);
    expect(document.status).toBe('ready');
    const [file, reference] = [(await download(id)).bytes, await referenceCsv(source, query)];
    expect(file.length).toBe(reference.length);
    expect(sortedLines(file) === sortedLines(reference)).toBe(true);
  });

  test('a new table with awkward names can be exported at once', async () => {
    const table = `new "table" ${Date.now()}`;
    const quoted = `"${table.replaceAll('"', '""')}"`;
    await sql(
      sourceUrl('sales'),
      `create table ${quoted} ("a,b" int, "say ""x""" text, "at" timestamp);
       insert into ${quoted} values (1, 'x', '2024-03-01 00:00:00'), (2, null, null), (3, '', '2024-03-02')`,
    );
    try {
      const { id } = await createExport({
        sources: ['sales'],
        dataset: table,
        format: 'csv',
        to: '2024-03-02T00:00:00Z',
      });
      expect((await ended(id)).status).toBe('ready');
      expect((await download(id)).bytes.toString()).toBe(
        '"a,b","say ""x""",at\n1,x,2024-03-01 00:00:00\n',
      );
      const manifest = (await call('GET', `/exports/${id}/manifest`, { headers: asDemo })).json(
        manifestSchema,
      );
      expect(manifest.sources[0]?.rowsWithoutTime).toBe(1);
    } finally {
      await sql(sourceUrl('sales'), `drop table ${quoted}`);
    }
  });

  test('an export that fails reports why and has no file', async () => {
    await sql(
      sourceUrl('sales'),
      `create or replace view fails_late as select id, ordered_at, 1 / (id - 150000) as x from orders`,
    );
    const { id } = await createExport({ sources: ['sales'], dataset: 'fails_late', format: 'csv' });
    const document = await ended(id);
    expect(document).toMatchObject({
      status: 'failed',
      file: null,
      error: { code: 'source_error' },
    });
    expect(
      (await call('POST', `/exports/${id}/download`, { headers: asDemo })).problem(),
    ).toMatchObject({ status: 409, code: 'not_ready' });
    expect((await download(id)).status).toBe(409);
  });
});

describe('repeated requests', () => {
  test('a request with a used idempotency key returns the same export, or a conflict if it differs', async () => {
    const key = `k-${Date.now()}`;
    const headers = { ...asDemo, 'idempotency-key': key };
    const ask = (request: object) => call('POST', '/exports', { body: request, headers });
    const answers = await Promise.all([1, 2, 3, 4].map(() => ask(monthOfOrders)));
    const ids = new Set(answers.map((answer) => answer.json(exportDocumentSchema).id));
    expect(ids.size).toBe(1);
    // The same timestamp in another time zone and an explicit default: an equivalent request.
    const same = await ask({ ...monthOfOrders, from: '2024-03-01T01:00:00+01:00', order: 'any' });
    expect(ids).toContain(same.json(exportDocumentSchema).id);
    expect((await ask({ ...monthOfOrders, dataset: 'customers' })).problem()).toMatchObject({
      status: 409,
      code: 'idempotency_conflict',
    });
    const conflict = await call('POST', '/exports', {
      body: monthOfOrders,
      headers: { ...asOther, 'idempotency-key': key },
    });
    expect(ids).not.toContain(conflict.json(exportDocumentSchema).id);
  });
});

describe('export documents', () => {
  test('an export document has an ETag that answers 304 until it changes', async () => {
    const { id } = await createExport(monthOfOrders);
    await ended(id);
    const first = await call('GET', `/exports/${id}`, { headers: asDemo });
    const etag = first.headers.get('etag') ?? '';
    const again = await call('GET', `/exports/${id}`, {
      headers: { ...asDemo, 'if-none-match': etag },
    });
    expect(again.status).toBe(304);
    expect(again.bytes.length).toBe(0);
    expect(first.headers.has('retry-after')).toBe(false);
  });

  test('the list has the newest export first, and its pages have no gaps', async () => {
    const createdIds: string[] = [];
    for (let n = 0; n < 5; n++)
      createdIds.push((await createExport({ ...monthOfOrders, columns: ['id'] })).id);
    const listedIds: string[] = [];
    let cursor: string | null = null;
    do {
      const query: string = cursor === null ? '?limit=2' : `?limit=2&cursor=${cursor}`;
      const page = (await call('GET', `/exports${query}`, { headers: asDemo })).json(
        exportListSchema,
      );
      expect(page.items.length).toBeLessThanOrEqual(2);
      listedIds.push(...page.items.map((item) => item.id));
      cursor = page.nextCursor;
    } while (cursor !== null && listedIds.length < 200);
    expect(listedIds.slice(0, 5)).toEqual(createdIds.toReversed());
    expect(new Set(listedIds).size).toBe(listedIds.length);
    await Promise.all(createdIds.map((id) => ended(id)));
  });

  test('an export of another account is not found', async () => {
    const { id } = await createExport(monthOfOrders);
    for (const [method, path] of [
      ['GET', ''],
      ['DELETE', ''],
      ['GET', '/manifest'],
      ['POST', '/download'],
      ['GET', '/file'],
    ] as const) {
      const answer = await call(method, `/exports/${id}${path}`, { headers: asOther });
      expect(answer.problem()).toMatchObject({ status: 404, code: 'not_found' });
    }
    expect((await ended(id)).status).toBe('ready');
  });
});

describe('DELETE', () => {
  test('DELETE of a ready export removes its file, then the export', async () => {
    const { id } = await createExport(monthOfOrders);
    await ended(id);
    expect((await call('DELETE', `/exports/${id}`, { headers: asDemo })).status).toBe(204);
    expect((await call('GET', `/exports/${id}`, { headers: asDemo })).status).toBe(404);
    expect((await download(id)).status).toBe(404);
    expect((await call('DELETE', `/exports/${id}`, { headers: asDemo })).status).toBe(404);
  });

  test('DELETE of a running export answers 202, then the export is cancelled and reads no more', async () => {
    await sql(
      sourceUrl('sales'),
      `create or replace view slow as select o.id, o.ordered_at, pg_sleep(0.002)::text as s from orders o`,
    );
    const { id } = await createExport({ sources: ['sales'], dataset: 'slow', format: 'csv' });
    const running = await call('GET', `/exports/${id}`, { headers: asDemo });
    expect(running.headers.get('retry-after')).toMatch(/^\d+$/);
    await waitFor('the export runs', async () =>
      (await readExport(id)).status === 'running' ? true : undefined,
    );
    const answer = await call('DELETE', `/exports/${id}`, { headers: asDemo });
    expect(answer.status).toBe(202);
    const document = await ended(id, 20);
    expect(document).toMatchObject({ status: 'cancelled', file: null });
    const backends = await sql(
      sourceUrl('sales'),
      `select 1 from pg_stat_activity where query like 'copy%slow%' and state = 'active' and pid <> pg_backend_pid()`,
    );
    expect(backends).toEqual([]);
    expect((await call('DELETE', `/exports/${id}`, { headers: asDemo })).status).toBe(204);
  });
});
