import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { asDemo, call, createExport, ended } from '../support/api.ts';
import { readStack, sourceUrl, stack } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';
import { measureChart } from './chart.ts';
import { measureCpu, measureSink } from './cpu.ts';
import { measureDoor } from './door.ts';
import { compareHostile } from './hostile.ts';
import { measureIngest } from './ingest.ts';
import { measureLive } from './live.ts';
import { median, secondsOf } from './measure.ts';
import { measureScale } from './scale.ts';
import { createTable, dataset, dropTable, firstRows, maxRows } from './table.ts';
import { measureWide } from './wide.ts';

/**
 * `npm run bench`, with a running stack: measures how long exports take through the whole system, from request to
 * `ready`, relative to `psql \copy` of the same rows to a file. Five rounds measure each case once; the result of a
 * case is the median of its ratios. Then compares a workbook with exceljs, and the memory of a worker for a number of
 * rows with that for ten times as many, and exports with encryption with those without.
 * `npm run bench -- times` (or `cpu`, `xlsx`, `memory`, `encryption`) runs one of these. `scale`, `hostile`, `wide`, `ingest`,
 * `chart`, `live` and `door` run only by name: the cost of a long queue, of the load of one account for another, of a
 * source of thousands of tables, the speed of readings, the chart of a year of one series, how long readings take to a
 * socket, and the cost of the check of every download.
 */
const run = promisify(execFile);
const rounds = 5;
const copied = join(tmpdir(), `bench-${process.pid}.csv`);

interface Case {
  name: string;
  request: object;
  /** The maximum ratio to psql. */
  limit: number;
}
const cases: Case[] = [
  { name: 'csv', request: { format: 'csv' }, limit: 0.9 },
  { name: 'csv, zstd', request: { format: 'csv', compression: 'zstd' }, limit: 0.85 },
  { name: 'ndjson, zstd', request: { format: 'ndjson', compression: 'zstd' }, limit: 0.85 },
  { name: 'parquet, zstd', request: { format: 'parquet' }, limit: 0.65 },
];
const sinkName = 'csv, into a sink that counts';
const limits = new Map([
  ...cases.map(({ name, limit }) => [name, limit] as const),
  [sinkName, 0.6],
]);

const psqlCopy = () =>
  run('psql', [
    sourceUrl('sales'),
    '-Xqc',
    `\\copy (select * from ${dataset}) to ${copied} csv header`,
  ]);

/** Returns the seconds of an export from request to ready, and its size. */
async function measureExport(
  request: object,
): Promise<{ seconds: number; bytes: number; rows: number }> {
  let id = '';
  let file = { bytes: 0, rows: 0 };
  const seconds = await secondsOf(async () => {
    ({ id } = await createExport({ sources: ['sales'], dataset, ...request }));
    const document = await ended(id, 300);
    if (!document.file) throw new Error(`${document.status}: ${document.error?.message}`);
    file = document.file;
  });
  await call('DELETE', `/exports/${id}`, { headers: asDemo });
  return { ...file, seconds };
}

const exceljs = join(process.cwd(), '.parts', 'bench');

/** exceljs is no dependency: it conflicts with others, and has had no release for years. */
async function installExceljs(): Promise<void> {
  await mkdir(exceljs, { recursive: true });
  const manifest = { private: true, overrides: { traverse: '0.3.9' } };
  await writeFile(join(exceljs, 'package.json'), JSON.stringify(manifest));
  await run('npm', ['install', '--no-audit', '--no-fund', 'exceljs@4.4.0'], { cwd: exceljs });
}

/** Compares a workbook of half of the rows with a plain loop around exceljs. */
async function compareWorkbooks(): Promise<void> {
  await installExceljs();
  const rows = maxRows / 2;
  const file = join(tmpdir(), `bench-${process.pid}.xlsx`);
  const query = `select * from ${dataset} limit ${rows}`;
  const script = join(import.meta.dirname, 'exceljs-loop.mjs');
  const ratios: number[] = [];
  for (let round = 0; round < 3; round++) {
    const { stdout } = await run(process.execPath, [
      script,
      exceljs,
      sourceUrl('sales'),
      query,
      file,
    ]);
    const bare = Number(stdout);
    const { seconds } = await measureExport({ format: 'xlsx', where: firstRows(rows) });
    ratios.push(seconds / bare);
    console.log(
      `xlsx, ${rows} rows: ${seconds.toFixed(1)} s, exceljs ${bare.toFixed(1)} s, ` +
        `${Math.round(rows / seconds / 1_000)} thousand rows/s`,
    );
  }
  await rm(file, { force: true });
  console.log(`xlsx: ${median(ratios).toFixed(2)} × exceljs (at most 0.35)`);
}

/** Restarts the functions, so that memory of one format does not count for the next. */
async function restartFunctions(): Promise<void> {
  const workers = async () =>
    (await readStack()).processes.filter(({ name }) => name.startsWith('export-worker'));
  const before = (await workers()).map(({ pid }) => pid);
  process.kill((await readStack()).pid, 'SIGUSR2');
  await waitFor('the functions have restarted', async () => {
    const now = await workers();
    const answers = await fetch(`${stack.api}/health`).then(
      ({ ok }) => ok,
      () => false,
    );
    const isNew = now.length > 0 && now.every(({ pid }) => !before.includes(pid));
    return isNew && answers ? true : undefined;
  });
}

/** Resets the peak memory of the workers, which `peakMegabytes` returns. */
async function forgetPeaks(): Promise<void> {
  for (const { name, pid } of (await readStack()).processes)
    if (name.startsWith('export-worker')) await writeFile(`/proc/${pid}/clear_refs`, '5');
}
async function peakMegabytes(): Promise<number> {
  const peaks = [];
  for (const { name, pid } of (await readStack()).processes) {
    if (!name.startsWith('export-worker')) continue;
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    peaks.push(Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]) / 1_024);
  }
  return Math.max(...peaks);
}

async function compareTimes(): Promise<void> {
  const copies: number[] = [];
  const measured = new Map<string, { seconds: number; bytes: number }[]>();
  const addSample = (name: string, it: { seconds: number; bytes: number }): void => {
    measured.set(name, [...(measured.get(name) ?? []), it]);
  };
  for (let round = 0; round < rounds; round++) {
    copies.push(await secondsOf(psqlCopy));
    addSample(sinkName, await measureSink({ format: 'csv' }));
    for (const { name, request } of cases) addSample(name, await measureExport(request));
    console.log(`round ${round + 1} of ${rounds}: psql \\copy ${copies.at(-1)?.toFixed(2)} s`);
  }
  console.log(`\npsql \\copy to a file: ${maxRows} rows, ${median(copies).toFixed(2)} s`);
  for (const [name, all] of measured) {
    const ratios = all.map(({ seconds }, n) => seconds / (copies[n] ?? Number.NaN));
    const seconds = median(all.map((it) => it.seconds));
    const megabytes = (all[0]?.bytes ?? 0) / 1e6;
    console.log(
      `${name}: ${median(ratios).toFixed(2)} × psql (at most ${limits.get(name)}); ${seconds.toFixed(2)} s, ` +
        `${megabytes.toFixed(0)} MB, ${(megabytes / seconds).toFixed(0)} MB/s; rounds ${ratios.map((it) => it.toFixed(2)).join(' ')}`,
    );
  }
}

const encryption = {
  recipients: [await identityToRecipient(await generateX25519Identity())],
};

/** Compares the times of exports with and without encryption, one of each in turn. */
async function compareEncryption(): Promise<void> {
  for (const request of [{ format: 'csv' }, { format: 'csv', compression: 'zstd' }]) {
    const ratios: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const plain = await measureExport(request);
      const encrypted = await measureExport({ ...request, encryption });
      ratios.push(encrypted.seconds / plain.seconds);
    }
    console.log(
      `${JSON.stringify(request)}: with ÷ without encryption ${median(ratios).toFixed(2)}; rounds ${ratios.map((it) => it.toFixed(2)).join(' ')}`,
    );
  }
}

async function compareMemory(): Promise<void> {
  for (const request of [
    ...cases.map((it) => it.request),
    { format: 'json', compression: 'gzip' },
    { format: 'xlsx' },
    { format: 'csv', encryption },
  ]) {
    const peaks: number[] = [];
    await restartFunctions();
    for (const rows of [maxRows / 10, maxRows]) {
      await forgetPeaks();
      const created = await measureExport({ ...request, where: firstRows(rows) });
      if (created.rows !== rows)
        throw new Error(`the export has ${created.rows} rows instead of ${rows}`);
      peaks.push(await peakMegabytes());
    }
    const [once = Number.NaN, tenfold = Number.NaN] = peaks;
    console.log(
      `${JSON.stringify(request)}: worker of ${once.toFixed(0)} MB for ${maxRows / 10} rows, ` +
        `${tenfold.toFixed(0)} MB for ${maxRows}: ${(tenfold / once).toFixed(2)} (at most 1.2, 300 MB)`,
    );
  }
}

const only = process.argv[2];
if (only === 'hostile') {
  await compareHostile();
} else if (only === 'wide') {
  if (!(await measureWide())) process.exitCode = 1;
} else if (only === 'ingest') {
  if (!(await measureIngest())) process.exitCode = 1;
} else if (only === 'chart') {
  if (!(await measureChart())) process.exitCode = 1;
} else if (only === 'live') {
  if (!(await measureLive())) process.exitCode = 1;
} else if (only === 'door') {
  await measureDoor();
} else if (only === 'scale') {
  await measureScale();
} else {
  console.log(`${stack.url}, ${maxRows} rows`);
  await createTable();
  try {
    if (only === undefined || only === 'times') await compareTimes();
    if (only === undefined || only === 'cpu') await measureCpu(cases, rounds);
    if (only === undefined || only === 'xlsx') await compareWorkbooks();
    if (only === undefined || only === 'memory') await compareMemory();
    if (only === undefined || only === 'encryption') await compareEncryption();
  } finally {
    await dropTable();
    await rm(copied, { force: true });
  }
}
