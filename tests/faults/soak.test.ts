import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { Random } from '../../infra/postgres/demo/random.ts';
import type { ExportDocument } from '../../lib/contracts/export-document.ts';
import { asDemo, call, createExport, download, readExport } from '../support/api.ts';
import { decompress } from '../support/decompress.ts';
import { consume, type Topic } from '../support/events.ts';
import { assertComplete, assertNoFile, attemptsOf } from '../support/export-invariants.ts';
import { clearFaults, inject } from '../support/faults/storage-faults.ts';
import { readStack, referenceCsv, sortedLines, sourceUrl, sql } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

/**
 * Random faults every few seconds, while exports of different kinds run and some are cancelled: for 40 s in `npm
 * test`, for ten minutes in `npm run test:faults`.
 */
const seconds = process.env.STREAMSYNC_TEST_LONG === '1' ? 600 : 40;
const parallelExports = 5;
const rows = 3_000;
const seed = Number(process.env.STREAMSYNC_TEST_SEED ?? Date.now());

let results: Topic;
let reference: Buffer;
let random: Random;

const base = { sources: ['sales'], dataset: 'soaked' };
const kinds: readonly object[] = [
  { ...base, format: 'csv' },
  { ...base, format: 'ndjson', compression: 'gzip' },
  { ...base, format: 'csv', consistency: 'resumable' },
  { ...base, format: 'csv', compression: 'zstd', consistency: 'resumable' },
];

beforeAll(async () => {
  random = new Random(seed);
  const source = sourceUrl('sales');
  await sql(
    source,
    `create or replace function soaked_moment(bigint) returns text language plpgsql stable
       cost 2000000 as $$ begin perform pg_sleep(0.001); return 'x'; end $$`,
  );
  await sql(
    source,
    `create table if not exists soaked_rows as
       select n as id, timestamptz '2024-01-01Z' + n * interval '1 minute' as at, md5(n::text) as text
       from generate_series(1, ${rows}) n`,
  );
  await sql(source, 'analyze soaked_rows');
  await sql(source, 'grant select on soaked_rows to streamsync_reader_sales');
  await sql(
    source,
    'create or replace view soaked as select r.*, soaked_moment(r.id) as nothing from soaked_rows r',
  );
  reference = await referenceCsv('sales', `select r.*, 'x' as nothing from soaked_rows r`);
  results = await consume('exports.results');
});
afterEach(() => clearFaults());
afterAll(async () => {
  await results.close();
  // Exports that a failed test left running hold locks.
  await waitFor('the tables are dropped', () =>
    sql(
      sourceUrl('sales'),
      'drop table soaked_rows cascade; drop function soaked_moment(bigint)',
    ).then(
      () => true,
      () => undefined,
    ),
  );
});

const pidsOf = async (name: RegExp): Promise<number[]> =>
  (await readStack()).processes.filter((it) => name.test(it.name)).map(({ pid }) => pid);

async function stopFor(name: RegExp, durationMs: number): Promise<void> {
  const pids = await pidsOf(name);
  if (pids.length === 0) return;
  const pid = random.pick(pids);
  process.kill(pid, 'SIGSTOP');
  await new Promise((passed) => setTimeout(passed, durationMs));
  try {
    process.kill(pid, 'SIGCONT');
  } catch {
    // The functions have killed a worker that was stopped for longer than its time limit.
  }
}

const faults: Record<string, () => Promise<void>> = {
  'a worker killed': async () => {
    const pids = await pidsOf(/^export-worker-/);
    if (pids.length > 0) process.kill(random.pick(pids), 'SIGKILL');
  },
  'a worker stopped for 4 s': () => stopFor(/^export-worker-/, 4_000),
  'Kafka stopped for 3 s': () => stopFor(/^kafka$/, 3_000),
  'the storage stopped for 3 s': () => stopFor(/^localstack$/, 3_000),
  'the backends of all exports ended': async () => {
    await sql(
      sourceUrl('sales'),
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'streamsync:%-%'`,
    );
  },
  'S3 answers 500 five times': async () => {
    await inject({
      operation: random.pick([
        'UploadPart',
        'CompleteMultipartUpload',
        'CreateMultipartUpload',
        'GetObject',
      ]),
      action: { kind: 'answer', status: 500, code: 'InternalError' },
      times: 5,
    });
  },
  'S3 breaks connections, twice': async () => {
    await inject({
      operation: random.pick(['UploadPart', 'GetObject', 'HeadObject']),
      action: { kind: 'reset' },
      times: 2,
    });
  },
  'the answer to a completion lost': async () => {
    await inject({
      operation: 'CompleteMultipartUpload',
      action: { kind: 'resetResponse' },
      times: 1,
    });
  },
  'PostgreSQL crashes': async () => {
    const [backend] = await sql<{ pid: number }>(
      sourceUrl('sales'),
      `select pid from pg_stat_activity where application_name like 'streamsync:%-%' limit 1`,
    );
    if (backend) process.kill(backend.pid, 'SIGKILL');
  },
};

interface RequestedExport {
  id: string;
  cancelled: boolean;
}

/** Repeats a call until it is answered, because calls may fail during a fault. */
const retryUntilAnswered = <T>(what: string, ask: () => Promise<T | undefined>): Promise<T> =>
  waitFor(what, () => ask().catch(() => undefined), { seconds: 60, everyMs: 500 });

test(
  `after ${seconds} s of faults every export is ready and complete, cancelled, or failed with a reason`,
  async () => {
    const requestedExports: RequestedExport[] = [];
    const injected = new Map<string, number>();
    const end = performance.now() + seconds * 1_000;
    let nextFault = performance.now();
    while (performance.now() < end) {
      let open = 0;
      for (const { id } of requestedExports.slice(-4 * parallelExports)) {
        const { status } = await retryUntilAnswered('a status', () => readExport(id));
        if (status === 'queued' || status === 'running') open++;
      }
      for (; open < parallelExports; open++) {
        const kind = random.pick(kinds);
        const { id } = await retryUntilAnswered('an export is accepted', () => createExport(kind));
        const cancelled = random.below(100) < 15;
        if (cancelled)
          await retryUntilAnswered('the cancel is answered', () =>
            call('DELETE', `/exports/${id}`, { headers: asDemo }),
          );
        requestedExports.push({ id, cancelled });
      }
      if (performance.now() >= nextFault) {
        const name = random.pick(Object.keys(faults));
        await faults[name]?.();
        injected.set(name, (injected.get(name) ?? 0) + 1);
        nextFault = performance.now() + 1_500 + random.below(2_500);
      }
      await new Promise((passed) => setTimeout(passed, 300));
    }
    await clearFaults();
    await retryUntilAnswered('all components answer', async () =>
      (await call('GET', '/health')).status === 200 ? true : undefined,
    );

    const outcomes = { ready: 0, cancelled: 0, failed: 0 };
    let attempts = 0;
    const judge = async ({ id, cancelled }: RequestedExport): Promise<void> => {
      const document = await waitFor(
        `${id} ends`,
        async () => {
          const it = await retryUntilAnswered('a status', () => readExport(id));
          return it.status === 'queued' || it.status === 'running' ? undefined : it;
        },
        { seconds: 120 },
      );
      const attemptStates = await attemptsOf(id);
      attempts += attemptStates.length;
      if (document.status === 'ready') {
        outcomes.ready++;
        await assertRows(document);
      } else if (document.status === 'cancelled') {
        outcomes.cancelled++;
        expect(cancelled).toBe(true);
        await assertNoFile(id, { status: 'cancelled', results });
      } else {
        outcomes.failed++;
        // An export fails only after the maximum number of attempts.
        expect(document.error?.message).toContain('It was tried 6 times.');
        await assertNoFile(id, { status: 'failed', results });
      }
    };
    for (let from = 0; from < requestedExports.length; from += parallelExports)
      await Promise.all(requestedExports.slice(from, from + parallelExports).map(judge));
    const table = [...injected].map(([name, times]) => `  ${String(times).padStart(4)} × ${name}`);
    console.info(
      `seed ${seed}: ${requestedExports.length} exports, ${attempts} attempts: ${outcomes.ready} ready and complete, ${outcomes.cancelled} cancelled, ${outcomes.failed} failed\n${table.join('\n')}`,
    );
    expect(outcomes.ready).toBeGreaterThan(0);
    // There are few enough faults that most exports succeed.
    expect(outcomes.failed).toBeLessThanOrEqual(requestedExports.length / 10);
  },
  (seconds + 400) * 1_000,
);

async function assertRows({ id, file, request }: ExportDocument): Promise<void> {
  const { format, compression } = request;
  // This test requests no snappy, which only Parquet has.
  if (compression === 'none' || compression === 'snappy') {
    await assertComplete(id, { reference, results });
    return;
  }
  expect(file?.rows).toBe(rows);
  const text = await decompress((await download(id)).bytes, compression);
  if (format === 'csv') {
    expect(sortedLines(text) === sortedLines(reference)).toBe(true);
    return;
  }
  const ids = text
    .toString()
    .trimEnd()
    .split('\n')
    .map((line): { id: number } => JSON.parse(line));
  expect(ids.map((it) => it.id).toSorted((a, b) => a - b)).toEqual(
    Array.from({ length: rows }, (_, n) => n + 1),
  );
}
