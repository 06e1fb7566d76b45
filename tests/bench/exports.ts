import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { asDemo, call, createExport, ended } from '../stack/api.ts';
import { readStack, sourceUrl, stack } from '../stack/stack.ts';
import { until } from '../stack/until.ts';
import { compareHostile } from './hostile.ts';
import { median, secondsOf } from './measure.ts';
import { measureScale } from './scale.ts';
import { createTable, dataset, dropTable, first, most } from './table.ts';
import { measureWide } from './wide.ts';

/**
 * `npm run bench`, beside a stack that runs: how long exports take, from asking to `ready`, through the whole
 * system, by how long `psql \copy` of the same rows to a file takes. Five rounds in which everything has its
 * turn; of each the median of the ratios of the rounds. Then a workbook by the time that exceljs takes for it,
 * and the memory of a worker for some rows, and for ten times as many. `npm run bench -- times` (`xlsx`,
 * `memory`) is one of these; `scale`, `hostile` and `wide`, which are none of them, are what a long
 * queue costs, the load of one account another, and a source of thousands of tables.
 */
const run = promisify(execFile);
const rounds = 5;
const copied = join(tmpdir(), `bench-${process.pid}.csv`);

interface Case {
  name: string;
  request: object;
  /** What the ratio is to be at most. */
  limit: number;
}
const cases: Case[] = [
  { name: 'csv', request: { format: 'csv' }, limit: 1.35 },
  { name: 'csv, zstd', request: { format: 'csv', compression: 'zstd' }, limit: 1.1 },
  { name: 'ndjson, zstd', request: { format: 'ndjson', compression: 'zstd' }, limit: 1.6 },
  { name: 'parquet, zstd', request: { format: 'parquet' }, limit: 1.3 },
];
const sinkName = 'csv, into a sink that counts';
const limits = new Map([
  ...cases.map(({ name, limit }) => [name, limit] as const),
  [sinkName, 0.8],
]);

const psqlCopy = () =>
  run('psql', [
    sourceUrl('sales'),
    '-Xqc',
    `\\copy (select * from ${dataset}) to ${copied} csv header`,
  ]);

/** Of an export, from asking for it until it is ready. */
async function exported(
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

const measureSchema = z.object({ rows: z.int(), bytes: z.int(), seconds: z.number() });

async function intoSink(): Promise<{ seconds: number; bytes: number }> {
  const { stdout } = await run(process.execPath, [join(import.meta.dirname, 'sink.ts')]);
  return measureSchema.parse(JSON.parse(stdout));
}

const exceljs = join(process.cwd(), '.parts', 'bench');

/** It is no dependency: it is in the way of others, and has had no release for years. */
async function installExceljs(): Promise<void> {
  await mkdir(exceljs, { recursive: true });
  const manifest = { private: true, overrides: { traverse: '0.3.9' } };
  await writeFile(join(exceljs, 'package.json'), JSON.stringify(manifest));
  await run('npm', ['install', '--no-audit', '--no-fund', 'exceljs@4.4.0'], { cwd: exceljs });
}

/** A workbook of half of the rows, by the time that a bare loop around exceljs takes for them. */
async function compareWorkbooks(): Promise<void> {
  await installExceljs();
  const rows = most / 2;
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
    const { seconds } = await exported({ format: 'xlsx', where: first(rows) });
    ratios.push(seconds / bare);
    console.log(
      `xlsx, ${rows} rows: ${seconds.toFixed(1)} s, exceljs ${bare.toFixed(1)} s, ` +
        `${Math.round(rows / seconds / 1_000)} thousand rows a second`,
    );
  }
  await rm(file, { force: true });
  console.log(`xlsx: ${median(ratios).toFixed(2)} × exceljs (at most 0.7)`);
}

/** What one format has left in a worker is not to count for the next. */
async function restartFunctions(): Promise<void> {
  const workers = async () =>
    (await readStack()).processes.filter(({ name }) => name.startsWith('export-worker'));
  const before = (await workers()).map(({ pid }) => pid);
  process.kill((await readStack()).pid, 'SIGUSR2');
  await until('the functions have started anew', async () => {
    const now = await workers();
    const answers = await fetch(`${stack.api}/health`).then(
      ({ ok }) => ok,
      () => false,
    );
    const isNew = now.length > 0 && now.every(({ pid }) => !before.includes(pid));
    return isNew && answers ? true : undefined;
  });
}

/** Forgets how large the workers have been, or says how large one of them has been since. */
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
  const note = (name: string, it: { seconds: number; bytes: number }): void => {
    measured.set(name, [...(measured.get(name) ?? []), it]);
  };
  for (let round = 0; round < rounds; round++) {
    copies.push(await secondsOf(psqlCopy));
    note(sinkName, await intoSink());
    for (const { name, request } of cases) note(name, await exported(request));
    console.log(`round ${round + 1} of ${rounds}: psql \\copy ${copies.at(-1)?.toFixed(2)} s`);
  }
  console.log(`\npsql \\copy to a file: ${most} rows, ${median(copies).toFixed(2)} s`);
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

async function compareMemory(): Promise<void> {
  for (const request of [
    ...cases.map((it) => it.request),
    { format: 'json', compression: 'gzip' },
    { format: 'xlsx' },
  ]) {
    const peaks: number[] = [];
    await restartFunctions();
    for (const rows of [most / 10, most]) {
      await forgetPeaks();
      const made = await exported({ ...request, where: first(rows) });
      if (made.rows !== rows) throw new Error(`${made.rows} rows in place of ${rows}`);
      peaks.push(await peakMegabytes());
    }
    const [once = Number.NaN, tenfold = Number.NaN] = peaks;
    console.log(
      `${JSON.stringify(request)}: worker of ${once.toFixed(0)} MB for ${most / 10} rows, ` +
        `${tenfold.toFixed(0)} MB for ${most}: ${(tenfold / once).toFixed(2)} (at most 1.2, 300 MB)`,
    );
  }
}

const only = process.argv[2];
if (only === 'hostile') {
  await compareHostile();
} else if (only === 'wide') {
  if (!(await measureWide())) process.exitCode = 1;
} else if (only === 'scale') {
  await measureScale();
} else {
  console.log(`${stack.url}, ${most} rows`);
  await createTable();
  try {
    if (only === undefined || only === 'times') await compareTimes();
    if (only === undefined || only === 'xlsx') await compareWorkbooks();
    if (only === undefined || only === 'memory') await compareMemory();
  } finally {
    await dropTable();
    await rm(copied, { force: true });
  }
}
