import { createHash } from 'node:crypto';
import { HeadObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { exportDocumentSchema } from '../../lib/contracts/export-document.ts';
import {
  asAdmin,
  asDemo,
  asOther,
  call,
  createExport,
  download,
  ended,
  readExport,
  ticketFor,
} from '../support/api.ts';
import { consume, type Topic } from '../support/events.ts';
import { createGate } from '../support/gate.ts';
import { referenceCsv, sortedLines, sourceUrl, sql, stack } from '../support/stack.ts';
import { storageClient } from '../support/storage.ts';
import { waitFor } from '../support/wait-for.ts';

const schema = `retry_${Date.now()}`;
const source = sourceUrl('sales');
const of = (dataset: string, more: object = {}) => ({
  sources: ['sales'],
  dataset: `${schema}.${dataset}`,
  format: 'csv',
  ...more,
});
const s3 = storageClient();
let results: Topic;
let gate: Awaited<ReturnType<typeof createGate>>;

beforeAll(async () => {
  results = await consume('exports.results');
  await sql(
    source,
    `create schema ${schema}; set search_path = ${schema}, public;
     create table numbers as select n from generate_series(1, 20000) n`,
  );
  gate = await createGate(schema);
  await sql(source, `create view ${schema}.held as select 1 as n, ${schema}.wait() as nothing`);
});
beforeEach(() => gate.close());
afterEach(() => call('DELETE', '/sources/sales/pause', { headers: asAdmin }));
afterAll(async () => {
  s3.destroy();
  await results.close();
  await sql(source, `drop schema ${schema} cascade`);
});

const retry = (id: string, headers: Record<string, string> = asDemo) =>
  call('POST', `/exports/${id}/retry`, { headers });
const pause = () =>
  call('POST', '/sources/sales/pause', { headers: asAdmin, body: { reason: 'a test' } });

const idSchema = z.object({ id: z.string(), type: z.string() });

/** Returns the ids of the result events of an export with this outcome. */
function events(id: string, outcome: string): string[] {
  return results.messages
    .filter(({ key }) => String(key) === id)
    .map(({ value }) => idSchema.parse(JSON.parse(String(value))))
    .flatMap((event) => (event.type === `streamsync.export.${outcome}.v1` ? [event.id] : []));
}

/** Asserts the number of result events of each outcome, all with different ids, and no other events. */
async function expectEvents(id: string, expected: Record<string, number>): Promise<void> {
  await waitFor('the last completed event arrives', async () =>
    events(id, 'completed').length >= (expected.completed ?? 0) ? true : undefined,
  );
  const outcomes = ['accepted', 'completed', 'failed', 'cancelled', 'expired', 'downloaded'];
  const counts = outcomes.map((outcome) => [outcome, new Set(events(id, outcome)).size]);
  expect(Object.fromEntries(counts)).toEqual({
    ...Object.fromEntries(outcomes.map((outcome) => [outcome, 0])),
    ...expected,
  });
  for (const [outcome, count] of counts)
    expect(events(id, String(outcome))).toHaveLength(Number(count));
}

/** Reruns an export and compares its file with the current rows of the source. */
async function assertRerun(id: string, query: string): Promise<void> {
  const answer = await retry(id);
  expect(answer.status).toBe(202);
  expect(answer.headers.get('location')).toBe(`/api/v1/exports/${id}`);
  expect(answer.json(exportDocumentSchema)).toMatchObject({
    id,
    file: null,
    error: null,
    finishedAt: null,
    expiresAt: null,
    downloadedAt: null,
  });
  const document = await ended(id);
  expect(document).toMatchObject({ id, status: 'ready', error: null, downloadedAt: null });
  const { bytes } = await download(id);
  expect(sortedLines(bytes)).toBe(sortedLines(await referenceCsv('sales', query)));
  expect(document.file).toMatchObject({
    bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  });
}

const expire = (id: string) =>
  sql(
    stack.postgres.catalogue,
    `update exports set expires_at = now() - interval '1 second' where id = $1`,
    [id],
  );

describe('reruns', () => {
  test('a failed export can be rerun under its id', async () => {
    await sql(
      source,
      `create view ${schema}.breaks as select 1 / (n - 19000) as n from ${schema}.numbers`,
    );
    const { id } = await createExport(of('breaks'));
    expect(await ended(id)).toMatchObject({ status: 'failed', error: { code: 'source_error' } });
    await sql(
      source,
      `create or replace view ${schema}.breaks as select 1 / n as n from ${schema}.numbers`,
    );
    await assertRerun(id, `select * from ${schema}.breaks`);
    await expectEvents(id, { accepted: 2, failed: 1, completed: 1 });
  });

  test('an export that was cancelled while it waited or ran can be rerun', async () => {
    const running = await createExport(of('held'));
    await waitFor('the export runs', async () =>
      (await readExport(running.id)).status === 'running' ? true : undefined,
    );
    await pause();
    const waiting = await createExport(of('numbers'));
    expect((await call('DELETE', `/exports/${waiting.id}`, { headers: asDemo })).status).toBe(200);
    expect((await call('DELETE', `/exports/${running.id}`, { headers: asDemo })).status).toBe(202);
    expect((await ended(running.id)).status).toBe('cancelled');
    await gate.open();
    await call('DELETE', '/sources/sales/pause', { headers: asAdmin });
    for (const [id, query] of [
      [waiting.id, `select * from ${schema}.numbers`],
      [running.id, `select 1 as n, '' as nothing`],
    ] as const) {
      await assertRerun(id, query);
      await expectEvents(id, { accepted: 2, cancelled: 1, completed: 1 });
    }
  });

  test('a rerun of an expired export removes the old file and its links', async () => {
    const { id } = await createExport(of('numbers'));
    const first = await ended(id);
    const ticket = await ticketFor(id);
    const response = await fetch(ticket, { signal: AbortSignal.timeout(90_000) });
    const cookie = response.headers.getSetCookie()[0]?.split(';')[0] ?? '';
    await response.arrayBuffer();
    const acknowledged = await call('POST', `/exports/${id}/acknowledge`, {
      headers: asDemo,
      body: { sha256: first.file?.sha256 },
    });
    expect(acknowledged.status).toBe(204);
    await expire(id);
    // The sweep may not have seen the expiry yet; it is reported all the same.
    await sql(source, `update ${schema}.numbers set n = -n`);
    await assertRerun(id, `select * from ${schema}.numbers`);
    await expectEvents(id, { accepted: 2, completed: 2, expired: 1, downloaded: 1 });
    const again = await readExport(id);
    expect(again.file?.sha256).not.toBe(first.file?.sha256);
    expect(Date.parse(again.expiresAt ?? '')).toBeGreaterThan(Date.parse(first.expiresAt ?? ''));
    // A transfer of the old file is not resumed from the new one.
    const resumed = await fetch(ticket, {
      headers: { cookie, range: 'bytes=100-' },
      signal: AbortSignal.timeout(90_000),
    });
    await resumed.arrayBuffer();
    expect(resumed.status).toBe(410);

    // As if the transfer grace and the time in which a stopped worker may still write had passed.
    await sql(
      stack.postgres.catalogue,
      `with e as (update exports set queued_at = now() - interval '2 minutes' where id = $1 returning id)
       update attempts a set ended_at = now() - interval '1 hour' from e, units u
       where a.export_id = e.id and u.id = a.unit_id and u.run = 1`,
      [id],
    );
    const old = await waitFor(
      'the attempts of the first run are deleted',
      async () => {
        const rows = await sql<{ object_key: string; cleared: boolean; run: number }>(
          stack.postgres.catalogue,
          `select a.object_key, a.cleared_at is not null as cleared, u.run from attempts a
           join units u on u.id = a.unit_id where a.export_id = $1 order by u.run`,
          [id],
        );
        expect(rows.map(({ run }) => run)).toEqual([1, 2]);
        return rows[0]?.cleared === true ? rows : undefined;
      },
      { seconds: 60 },
    );
    expect(old.map(({ cleared }) => cleared)).toEqual([true, false]);
    expect(await Promise.all(old.map(({ object_key }) => exists(object_key)))).toEqual([
      false,
      true,
    ]);
    expect(sortedLines((await download(id)).bytes)).toContain('-20000');
  });

  test('concurrent requests for a rerun start one rerun', async () => {
    await pause();
    const { id } = await createExport(of('numbers'));
    await call('DELETE', `/exports/${id}`, { headers: asDemo });
    await call('DELETE', '/sources/sales/pause', { headers: asAdmin });
    const answers = await Promise.all(Array.from({ length: 4 }, () => retry(id)));
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([
      202, 409, 409, 409,
    ]);
    expect((await ended(id)).status).toBe('ready');
    await expectEvents(id, { accepted: 2, cancelled: 1, completed: 1 });
    const units = await sql(
      stack.postgres.catalogue,
      'select run, state from units where export_id = $1 order by run',
      [id],
    );
    expect(units).toEqual([
      { run: 1, state: 'cancelled' },
      { run: 2, state: 'done' },
    ]);
  });
});

describe('rejected reruns', () => {
  const problemOfRetry = async (id: string) => (await retry(id)).problem();
  const notRetryable = { status: 409, code: 'not_retryable' };

  test('a waiting, running or ready export cannot be rerun', async () => {
    const { id } = await createExport(of('held'));
    await waitFor('the export runs', async () =>
      (await readExport(id)).status === 'running' ? true : undefined,
    );
    expect(await problemOfRetry(id)).toMatchObject(notRetryable);
    await pause();
    const waiting = await createExport(of('numbers'));
    expect(await problemOfRetry(waiting.id)).toMatchObject(notRetryable);
    await call('DELETE', '/sources/sales/pause', { headers: asAdmin });
    await gate.open();
    const before = await ended(id);
    expect(before.status).toBe('ready');
    expect(await problemOfRetry(id)).toMatchObject(notRetryable);
    expect(await readExport(id)).toEqual(before);
    expect((await ended(waiting.id)).status).toBe('ready');
  });

  test("a rerun of another account's, an unknown or a deleted export is not found", async () => {
    await pause();
    const { id } = await createExport(of('numbers'));
    await call('DELETE', `/exports/${id}`, { headers: asDemo });
    expect((await retry(id, asOther)).problem()).toMatchObject({ status: 404, code: 'not_found' });
    expect(await problemOfRetry('01a1fbaa-0d88-7617-8f4b-1187b8f792e7')).toMatchObject({
      status: 404,
    });
    expect((await call('DELETE', `/exports/${id}`, { headers: asDemo })).status).toBe(204);
    expect(await problemOfRetry(id)).toMatchObject({ status: 404, code: 'not_found' });
  });

  test('a rerun without the dataset is rejected and leaves the export unchanged', async () => {
    await sql(source, `create view ${schema}.gone as select 1 as n`);
    const { id } = await createExport(of('gone'));
    await ended(id);
    await expire(id);
    await waitFor(
      'the expiry is reported',
      async () => (events(id, 'expired').length > 0 ? true : undefined),
      { seconds: 60 },
    );
    const before = await readExport(id);
    await sql(source, `drop view ${schema}.gone`);
    expect(await problemOfRetry(id)).toMatchObject({
      status: 422,
      code: 'invalid_request',
      errors: [{ field: 'dataset' }],
    });
    expect(await readExport(id)).toEqual(before);
    expect(before.status).toBe('expired');
    await expectEvents(id, { accepted: 1, completed: 1, expired: 1 });
  });
});

const exists = (key: string): Promise<boolean> =>
  s3.send(new HeadObjectCommand({ Bucket: stack.s3.bucket, Key: key })).then(
    () => true,
    () => false,
  );
