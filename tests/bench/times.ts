import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { sourceUrl } from '../support/stack.ts';
import { measureSink } from './cpu.ts';
import { machineLoad } from './machine.ts';
import { median, secondsOf } from './measure.ts';
import { cases, measureExport } from './measure-export.ts';
import { measurePeer, nameOf, type Peer, usablePeers } from './peers.ts';
import { dataset, maxRows } from './table.ts';

interface Sample {
  seconds: number;
  /** Of the worker, or of the other program. */
  cpuSeconds: number;
  bytes: number;
  /** The peak memory of a process of its own. */
  megabytes?: number;
}

const parquet = 'parquet, zstd';
const sinks = [
  { name: 'csv, into a sink that counts', request: { format: 'csv' } },
  { name: 'parquet, zstd, into a sink that counts', request: { format: 'parquet' } },
];
/** The maximum ratio to psql, of what has one. */
const limits = new Map([
  ...cases.map(({ name, limit }) => [name, limit] as const),
  ['csv, into a sink that counts', 0.6],
]);
/** The maximum ratio of Parquet, through the whole system, to DuckDB, which writes to a local file. */
const maxRatioToDuckdb = 1;

const copied = join(tmpdir(), `bench-${process.pid}.csv`);
const psqlCopy = () =>
  promisify(execFile)('psql', [
    sourceUrl('sales'),
    '-Xqc',
    `\\copy (select * from ${dataset}) to ${copied} csv header`,
  ]);

const list = (ratios: readonly number[]): string => ratios.map((it) => it.toFixed(2)).join(' ');

/**
 * Measures how long exports take from the request to `ready`, and what others take for the same rows, relative to
 * `psql \copy` to a file in the same round.
 */
export async function compareTimes(rounds: number): Promise<void> {
  const peers = await usablePeers();
  const copies: number[] = [];
  const measured = new Map<string, Sample[]>();
  const addSample = (name: string, sample: Sample): void => {
    measured.set(name, [...(measured.get(name) ?? []), sample]);
  };
  try {
    for (let round = 0; round < rounds; round++) {
      copies.push(await secondsOf(psqlCopy));
      for (const { name, request } of sinks) addSample(name, await measureSink(request));
      for (const { name, request } of cases) addSample(name, await measureExport(request));
      for (const peer of peers) addSample(nameOf(peer), await measurePeer(peer));
      console.log(
        `round ${round + 1} of ${rounds}: psql \\copy ${copies.at(-1)?.toFixed(2)} s, ${machineLoad()}`,
      );
    }
  } finally {
    await rm(copied, { force: true });
  }
  console.log(`\npsql \\copy to a file: ${maxRows} rows, ${median(copies).toFixed(2)} s`);
  for (const [name, samples] of measured) printCase(name, samples, copies);
  for (const peer of peers) printRatio(peer, measured);
}

function printCase(name: string, samples: readonly Sample[], copies: readonly number[]): void {
  const ratios = samples.map(({ seconds }, n) => seconds / (copies[n] ?? Number.NaN));
  const seconds = median(samples.map((it) => it.seconds));
  const cpuSeconds = median(samples.map((it) => it.cpuSeconds));
  const megabytes = (samples[0]?.bytes ?? 0) / 1e6;
  const peak = Math.max(...samples.map((it) => it.megabytes ?? Number.NaN));
  const memory = Number.isNaN(peak) ? '' : ` ${peak.toFixed(0)} MB of memory,`;
  const limit = limits.get(name);
  console.log(
    `${name}: ${median(ratios).toFixed(2)} × psql${limit === undefined ? '' : ` (at most ${limit})`}; ` +
      `${seconds.toFixed(2)} s, ${cpuSeconds.toFixed(2)} s of CPU,${memory} file of ${megabytes.toFixed(1)} MB, ` +
      `${(megabytes / seconds).toFixed(0)} MB/s; rounds ${list(ratios)}`,
  );
}

/** Prints what Parquet takes relative to a peer: the time in each round, and the file. */
function printRatio(peer: Peer, measured: ReadonlyMap<string, readonly Sample[]>): void {
  const name = nameOf(peer);
  const others = measured.get(name) ?? [];
  const own = measured.get(parquet) ?? [];
  const ratios = own.map(({ seconds }, n) => seconds / (others[n]?.seconds ?? Number.NaN));
  const size = (own[0]?.bytes ?? Number.NaN) / (others[0]?.bytes ?? Number.NaN);
  const limit = peer === 'duckdb' ? ` (at most ${maxRatioToDuckdb})` : '';
  console.log(
    `${parquet}: ${median(ratios).toFixed(2)} × ${name}${limit}; rounds ${list(ratios)}; file ${size.toFixed(2)} × as large`,
  );
}
