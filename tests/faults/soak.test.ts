import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import type { ExportDocument } from '../../lib/contracts/export-document.ts';
import { asDemo, call, createExport, download, readExport } from '../stack/api.ts';
import { decompress } from '../stack/decompress.ts';
import { follow, type Topic } from '../stack/events.ts';
import { attemptsOf, requireNone, requireWhole } from '../stack/proof.ts';
import { readStack, referenceCsv, sortedLines, sourceUrl, sql } from '../stack/stack.ts';
import { clearFaults, inject } from '../stack/storage-faults.ts';
import { until } from '../stack/until.ts';

/**
 * Faults at random, every few seconds, while exports of all kinds are made and some are cancelled: 40 s
 * in `npm test`, ten minutes in `npm run test:faults`.
 */
const seconds = process.env.STREAMSYNC_TEST_LONG === '1' ? 600 : 40;
const underWay = 5;
const rows = 3_000;
const seed = Number(process.env.STREAMSYNC_TEST_SEED ?? Date.now());

let results: Topic;
let reference: Buffer;
let random: () => number;

/** Mulberry32: what a seed gave can be had again. */
const randomOf = (start: number) => {
  let state = start >>> 0;
  return (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

const anyOf = <T>(items: readonly T[]): T => {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new Error('nothing to choose from');
  return item;
};

const base = { sources: ['sales'], dataset: 'soaked' };
const kinds: readonly object[] = [
  { ...base, format: 'csv' },
  { ...base, format: 'ndjson', compression: 'gzip' },
  { ...base, format: 'csv', consistency: 'resumable' },
  { ...base, format: 'csv', compression: 'zstd', consistency: 'resumable' },
];

beforeAll(async () => {
  random = randomOf(seed);
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
  results = await follow('exports.results');
});
afterEach(() => clearFaults());
afterAll(async () => {
  await results.close();
  // What a failed test left running holds locks.
  await until('the tables are dropped', () =>
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

async function stopFor(name: RegExp, milliseconds: number): Promise<void> {
  const pids = await pidsOf(name);
  if (pids.length === 0) return;
  const pid = anyOf(pids);
  process.kill(pid, 'SIGSTOP');
  await new Promise((passed) => setTimeout(passed, milliseconds));
  try {
    process.kill(pid, 'SIGCONT');
  } catch {
    // A stopped worker whose time is over is ended by the functions.
  }
}

const faults: Record<string, () => Promise<void>> = {
  'a worker killed': async () => {
    const pids = await pidsOf(/^export-worker-/);
    if (pids.length > 0) process.kill(anyOf(pids), 'SIGKILL');
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
      operation: anyOf([
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
      operation: anyOf(['UploadPart', 'GetObject', 'HeadObject']),
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

interface Asked {
  id: string;
  cancelled: boolean;
}

/** While things fail a call may fail, too: asked again until it is answered. */
const patiently = <T>(what: string, ask: () => Promise<T | undefined>): Promise<T> =>
  until(what, () => ask().catch(() => undefined), { seconds: 60, everyMilliseconds: 500 });

test(
  `${seconds} s of faults: every export ends whole, or cancelled, or failed and says so`,
  async () => {
    const asked: Asked[] = [];
    const injected = new Map<string, number>();
    const end = performance.now() + seconds * 1_000;
    let nextFault = performance.now();
    while (performance.now() < end) {
      let open = 0;
      for (const { id } of asked.slice(-4 * underWay)) {
        const { status } = await patiently('a status', () => readExport(id));
        if (status === 'queued' || status === 'running') open++;
      }
      for (; open < underWay; open++) {
        const kind = anyOf(kinds);
        const { id } = await patiently('an export is accepted', () => createExport(kind));
        const cancelled = random() < 0.15;
        if (cancelled)
          await patiently('its cancel', () =>
            call('DELETE', `/exports/${id}`, { headers: asDemo }),
          );
        asked.push({ id, cancelled });
      }
      if (performance.now() >= nextFault) {
        const name = anyOf(Object.keys(faults));
        await faults[name]?.();
        injected.set(name, (injected.get(name) ?? 0) + 1);
        nextFault = performance.now() + 1_500 + random() * 2_500;
      }
      await new Promise((passed) => setTimeout(passed, 300));
    }
    await clearFaults();
    await patiently('all parts answer', async () =>
      (await call('GET', '/health')).status === 200 ? true : undefined,
    );

    const held = { ready: 0, cancelled: 0, failed: 0 };
    let attempts = 0;
    const judge = async ({ id, cancelled }: Asked): Promise<void> => {
      const document = await until(
        `${id} ends`,
        async () => {
          const it = await patiently('a status', () => readExport(id));
          return it.status === 'queued' || it.status === 'running' ? undefined : it;
        },
        { seconds: 120 },
      );
      const made = await attemptsOf(id);
      attempts += made.length;
      if (document.status === 'ready') {
        held.ready++;
        await requireRows(document);
      } else if (document.status === 'cancelled') {
        held.cancelled++;
        expect(cancelled).toBe(true);
        await requireNone(id, { status: 'cancelled', results });
      } else {
        held.failed++;
        // Only what was tried as often as it may be.
        expect(document.error?.message).toContain('It was tried 6 times.');
        await requireNone(id, { status: 'failed', results });
      }
    };
    for (let from = 0; from < asked.length; from += underWay)
      await Promise.all(asked.slice(from, from + underWay).map(judge));
    const table = [...injected].map(([name, times]) => `  ${String(times).padStart(4)} × ${name}`);
    console.info(
      `seed ${seed}: ${asked.length} exports, ${attempts} attempts: ${held.ready} ready and whole, ${held.cancelled} cancelled, ${held.failed} failed\n${table.join('\n')}`,
    );
    expect(held.ready).toBeGreaterThan(0);
    // The faults are not so many that giving up would be the rule.
    expect(held.failed).toBeLessThanOrEqual(asked.length / 10);
  },
  (seconds + 400) * 1_000,
);

async function requireRows({ id, file, request }: ExportDocument): Promise<void> {
  const { format, compression } = request;
  // Snappy is not asked for here: it is Parquet's alone.
  if (compression === 'none' || compression === 'snappy') {
    await requireWhole(id, { reference, results });
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
