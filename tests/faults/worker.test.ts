import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createExport, download, ended, readExport } from '../support/api.ts';
import { consume, type Topic } from '../support/events.ts';
import { assertComplete, attemptsOf } from '../support/export-invariants.ts';
import { createGate } from '../support/gate.ts';
import {
  home,
  readStack,
  referenceCsv,
  sortedLines,
  sourceUrl,
  sql,
  stack,
} from '../support/stack.ts';
import { storageClient } from '../support/storage.ts';
import { sweep } from '../support/sweep.ts';
import { waitFor } from '../support/wait-for.ts';

let results: Topic;
let gate: Awaited<ReturnType<typeof createGate>>;
const rows = 2_500;
/** An export whose lease has to expire, which takes most of a minute. Its worker is stopped first and checked last. */
let stopped: { id: string; victim: number };

beforeAll(async () => {
  results = await consume('exports.results');
  await sql(sourceUrl('sales'), 'create schema held');
  gate = await createGate('held');
  await sql(
    sourceUrl('sales'),
    `create view held.customers as
       select c.id, c.name, case when c.id = ${rows} then held.wait() else '' end as nothing, c.created_at
       from public.customers c where c.id <= ${rows}`,
  );
  const { id } = await createExport(heldBack);
  const { worker } = await readerOf(id);
  process.kill(worker, 'SIGSTOP');
  stopped = { id, victim: worker };
});
beforeEach(() => gate.close());
afterAll(async () => {
  process.kill(stopped.victim, 'SIGCONT');
  await results.close();
  await sql(sourceUrl('sales'), 'drop schema held cascade');
});

/** Its last row waits until the gate is open. */
const heldBack = { sources: ['sales'], dataset: 'held.customers', format: 'csv' };
const expectedCsv = () =>
  referenceCsv(
    'sales',
    `select id, name, '' as nothing, created_at from customers where id <= ${rows}`,
  );

/** Returns the worker processes. The connection to the source shows which of them has the attempt. */
const workers = async () =>
  (await readStack()).processes.filter(({ name }) => name.startsWith('export-worker-'));

/**
 * Returns the connection of an export that is being read, and the process of the worker that holds it. A new worker may
 * be missing from stack.json for a moment.
 */
const readerOf = (id: string): Promise<{ backend: number; worker: number }> =>
  waitFor(
    'the export is being read',
    async () => {
      const attempts = await sql<{ name: string }>(
        stack.postgres.catalogue,
        `select 'streamsync:' || id as name from attempts where export_id = $1`,
        [id],
      );
      const [reader] = await sql<{ pid: number; client_port: number }>(
        sourceUrl('sales'),
        `select pid, client_port from pg_stat_activity
         where query like 'copy%customers%' and state = 'active' and application_name = any($1)`,
        [attempts.map(({ name }) => name)],
      );
      const worker = reader && (await holderOf(reader.client_port));
      const { status } = await readExport(id);
      return reader && worker !== undefined && status === 'running'
        ? { backend: reader.pid, worker }
        : undefined;
    },
    { seconds: 20, everyMs: 30 },
  );

/** Returns the worker whose connection to the source has this local port. Connections to other servers may have it, too. */
async function holderOf(port: number): Promise<number | undefined> {
  const [local, remote] = [port, Number(new URL(sourceUrl('sales')).port)].map(
    (number) => `:${number.toString(16).toUpperCase().padStart(4, '0')}`,
  );
  const socket = (await readFile('/proc/net/tcp', 'utf8'))
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .find(
      ([, from = '', to = '', state]) =>
        from.endsWith(local ?? '') && to.endsWith(remote ?? '') && state === '01',
    );
  const inode = socket?.[9];
  for (const { pid } of await workers()) {
    for (const fd of await readdir(`/proc/${pid}/fd`).catch(() => [])) {
      const target = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '');
      if (inode !== undefined && target === `socket:[${inode}]`) return pid;
    }
  }
  return undefined;
}

describe('an export whose worker is killed with -9', () => {
  test('an export is ready within seconds after its worker was killed, and nothing of the lost attempt is left', async () => {
    const { id } = await createExport(heldBack);
    const { worker: victim } = await readerOf(id);
    const killed = performance.now();
    process.kill(victim, 'SIGKILL');
    await gate.open();

    const document = await ended(id, 60);
    const seconds = (performance.now() - killed) / 1_000;
    console.info(`ready ${seconds.toFixed(1)} s after the kill`);
    expect(document).toMatchObject({ status: 'ready', error: null });
    expect(sortedLines((await download(id)).bytes)).toBe(sortedLines(await expectedCsv()));

    const attempts = await sql<{ state: string }>(
      stack.postgres.catalogue,
      'select state from attempts where export_id = $1 order by started_at',
      [id],
    );
    expect(attempts.map(({ state }) => state)).toEqual(['lost', 'done']);
    await waitFor('the completed event arrives', async () =>
      events(id, 'completed').length > 0 ? true : undefined,
    );
    expect(events(id, 'completed')).toHaveLength(1);
    expect(events(id, 'accepted')).toHaveLength(1);
    expect((await workers()).map(({ pid }) => pid)).not.toContain(victim);
    await waitFor('the upload of the lost attempt is deleted', async () => {
      await sweep();
      return (await uploadsOf(id)) === 0 ? true : undefined;
    });
  });

  test('an export is ready after its workers were killed three times', async () => {
    const { id } = await createExport(heldBack);
    for (let n = 0; n < 3; n++) {
      const { backend, worker } = await readerOf(id);
      process.kill(worker, 'SIGKILL');
      await waitFor('the backend of the export is gone', async () => {
        const left = await sql(
          sourceUrl('sales'),
          'select 1 from pg_stat_activity where pid = $1',
          [backend],
        );
        return left.length === 0 ? true : undefined;
      });
    }
    await gate.open();
    expect((await ended(id, 60)).status).toBe('ready');
    expect(sortedLines((await download(id)).bytes)).toBe(sortedLines(await expectedCsv()));
  });
});

test('an export whose source connection is terminated is retried, and ready', async () => {
  const { id } = await createExport(heldBack);
  const { backend } = await readerOf(id);
  await sql(sourceUrl('sales'), 'select pg_terminate_backend($1)', [backend]);
  await gate.open();
  expect((await ended(id, 60)).status).toBe('ready');
  expect(sortedLines((await download(id)).bytes)).toBe(sortedLines(await expectedCsv()));
  const attempts = await sql<{ state: string }>(
    stack.postgres.catalogue,
    'select state from attempts where export_id = $1 order by started_at',
    [id],
  );
  expect(attempts.map(({ state }) => state)).toEqual(['retried', 'done']);
});

test('a worker that resumes after it was replaced has no effect, and its slot reopens', async () => {
  const { id, victim } = stopped;
  await gate.open();
  const document = await ended(id, 120);
  expect(document.status).toBe('ready');
  expect(await attemptsOf(id)).toEqual(['lost', 'done']);
  expect(await isSlotClosed(id)).toBe(true);
  process.kill(victim, 'SIGCONT');
  // The worker acts only now: its attempt was lost before.
  await waitFor('the resumed worker finds that it was replaced', async () => {
    const log = await readFile(join(home(), 'logs', 'functions.log'), 'utf8');
    const fenced = log
      .split('\n')
      .some((line) => line.includes('attempt fenced') && line.includes(id));
    return fenced ? true : undefined;
  });
  await waitFor('the slot of the lost attempt is open', async () =>
    (await isSlotClosed(id)) ? undefined : true,
  );
  await assertComplete(id, { reference: await expectedCsv(), results });
  const { downloadedAt } = await readExport(id);
  expect(await readExport(id)).toEqual({ ...document, downloadedAt });
});

test('an export is ready after its server, source and catalogue in one, has crashed', async () => {
  const { id } = await createExport(heldBack);
  const { backend } = await readerOf(id);
  const before = await startOfCheckpointer();
  // After the kill of one backend PostgreSQL ends all others and recovers from its log.
  process.kill(backend, 'SIGKILL');
  await waitFor('the server has restarted all of its processes', async () => {
    const now = await startOfCheckpointer().catch(() => undefined);
    return now === before ? undefined : now;
  });
  await gate.open();
  await assertComplete(id, { reference: await expectedCsv(), results });
});

/** Returns whether the slot of the lost attempt of an export is closed. */
async function isSlotClosed(id: string): Promise<boolean> {
  const closed = await sql(
    stack.postgres.catalogue,
    `select 1 from attempts t join slots s on s.partition = t.partition and s.closed_offset = t."offset"
     where t.export_id = $1 and t.state = 'lost' and s.closed_until > now()`,
    [id],
  );
  return closed.length > 0;
}

/** Returns the start time of the checkpointer: a process that PostgreSQL starts again after a crash. */
async function startOfCheckpointer(): Promise<string | undefined> {
  const [checkpointer] = await sql<{ started: string }>(
    sourceUrl('sales'),
    `select backend_start::text as started from pg_stat_activity where backend_type = 'checkpointer'`,
  );
  return checkpointer?.started;
}

const events = (id: string, outcome: string) =>
  results.messages.filter(
    ({ value }) =>
      String(value).includes(id) && String(value).includes(`streamsync.export.${outcome}.v1`),
  );

async function uploadsOf(id: string): Promise<number> {
  const s3 = storageClient();
  try {
    const { Uploads = [] } = await s3.send(
      new ListMultipartUploadsCommand({ Bucket: stack.s3.bucket, Prefix: 'exports/' }),
    );
    return Uploads.filter(({ Key }) => Key?.includes(id)).length;
  } finally {
    s3.destroy();
  }
}
