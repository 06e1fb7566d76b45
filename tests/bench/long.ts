import { setTimeout } from 'node:timers/promises';
import { sourceUrl, sql } from '../support/stack.ts';
import { machineLoad } from './machine.ts';
import { everyRequest, measureExport } from './measure-export.ts';
import { createTable } from './table.ts';
import { forgetPeaks, peakMegabytes, restartFunctions } from './worker-memory.ts';

/**
 * `npm run bench -- long`: the peak memory of a worker for 2,000,000 rows and for ten times as many, each once, in every
 * format; also after each quarter of the time, which tells memory that grows with the rows from buffers that fill once.
 * Needs 6 GB of disk.
 */
const table = 'bench_long';
const sizes = [2_000_000, 20_000_000];
const sampleMs = 250;

/** Returns what the work returns, and the peak memory of the workers after each quarter of its time. */
async function withPeaks<T>(work: () => Promise<T>): Promise<{ result: T; peaks: number[] }> {
  const samples: number[] = [];
  const over = new AbortController();
  const sample = async (): Promise<void> => {
    while (!over.signal.aborted) {
      samples.push(await peakMegabytes());
      await setTimeout(sampleMs);
    }
  };
  const sampling = sample();
  try {
    const result = await work();
    const last = await peakMegabytes();
    const at = (share: number): number => samples[Math.floor(samples.length * share)] ?? last;
    return { result, peaks: [at(0.25), at(0.5), at(0.75), last] };
  } finally {
    over.abort();
    await sampling;
  }
}

export async function measureLong(): Promise<void> {
  const measured = new Map<string, number[]>();
  try {
    for (const rows of sizes) {
      await createTable(table, rows);
      for (const { name, request } of everyRequest) {
        await restartFunctions();
        await forgetPeaks();
        const { result, peaks } = await withPeaks(() =>
          measureExport({ ...request, dataset: table }, rows),
        );
        const { seconds, cpuSeconds, bytes } = result;
        measured.set(name, [...(measured.get(name) ?? []), peaks.at(-1) ?? Number.NaN]);
        console.log(
          `${name}, ${rows} rows: after each quarter ${peaks.map((it) => it.toFixed(0)).join(', ')} MB; ${seconds.toFixed(1)} s, ` +
            `${cpuSeconds.toFixed(1)} s of CPU, file of ${(bytes / 1e6).toFixed(0)} MB; ${machineLoad()}`,
        );
      }
    }
  } finally {
    await sql(sourceUrl('sales'), `drop table if exists ${table}`);
  }
  for (const [name, [once = Number.NaN, tenfold = Number.NaN]] of measured)
    console.log(`${name}: ${(tenfold / once).toFixed(2)} × the memory for ten times the rows`);
}
