import { sourceUrl, sql } from '../support/stack.ts';
import { machineLoad } from './machine.ts';
import { measureExport } from './measure-export.ts';
import { createTable } from './table.ts';
import { forgetPeaks, peakMegabytes, restartFunctions } from './worker-memory.ts';

/**
 * `npm run bench -- long`: the peak memory of a worker for 2,000,000 rows and for ten times as many, each once, as CSV and as
 * Parquet. Needs 6 GB of disk.
 */
const table = 'bench_long';
const sizes = [2_000_000, 20_000_000];

export async function measureLong(): Promise<void> {
  const measured = new Map<string, number[]>();
  try {
    for (const rows of sizes) {
      await createTable(table, rows);
      for (const format of ['csv', 'parquet']) {
        await restartFunctions();
        await forgetPeaks();
        const { seconds, cpuSeconds, bytes } = await measureExport(
          { format, dataset: table },
          rows,
        );
        const megabytes = await peakMegabytes();
        measured.set(format, [...(measured.get(format) ?? []), megabytes]);
        console.log(
          `${format}, ${rows} rows: ${megabytes.toFixed(0)} MB; ${seconds.toFixed(1)} s, ${cpuSeconds.toFixed(1)} s of CPU, ` +
            `file of ${(bytes / 1e6).toFixed(0)} MB; ${machineLoad()}`,
        );
      }
    }
  } finally {
    await sql(sourceUrl('sales'), `drop table if exists ${table}`);
  }
  for (const [format, [once = Number.NaN, tenfold = Number.NaN]] of measured)
    console.log(`${format}: ${(tenfold / once).toFixed(2)} × the memory for ten times the rows`);
}
