import { stack } from '../support/stack.ts';
import { measureChart } from './chart.ts';
import { measureCpu } from './cpu.ts';
import { measureDoor } from './door.ts';
import { measureFloor } from './floor.ts';
import { compareHostile } from './hostile.ts';
import { measureIngest } from './ingest.ts';
import { measureLive } from './live.ts';
import { measureLong } from './long.ts';
import { machineLoad } from './machine.ts';
import { median } from './measure.ts';
import { cases, encryption, everyRequest, measureExport } from './measure-export.ts';
import { measureScale } from './scale.ts';
import { createTable, dropTable, firstRows, maxRows } from './table.ts';
import { compareTimes } from './times.ts';
import { measureUnits } from './units.ts';
import { measureWide } from './wide.ts';
import { compareWorkbooks } from './workbooks.ts';
import { forgetPeaks, peakMegabytes, restartFunctions } from './worker-memory.ts';

/**
 * `npm run bench`, with a running stack: measures how long exports take through the whole system, from request to
 * `ready`, relative to `psql \copy` of the same rows to a file, and what other programs take for them. Five rounds measure
 * each case once; the result of a case is the median of its ratios. Then compares a workbook with exceljs, and the memory
 * of a worker for a number of rows with that for ten times as many, and exports with encryption with those without.
 * `npm run bench -- times` (or `cpu`, `xlsx`, `memory`, `encryption`) runs one of these. `scale`, `hostile`, `wide`, `ingest`,
 * `chart`, `live`, `door`, `floor`, `units` and `long` run only by name: the cost of a long queue, of the load of one account for
 * another, of a source of thousands of tables, the speed of readings, the chart of a year of one series, how long readings
 * take to a socket, the cost of the check of every download, the CPU time that no export can do without, what the units of a
 * resumable export cost, and the memory of a worker for 20,000,000 rows.
 */
const rounds = 5;

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
  for (const { name, request } of everyRequest) {
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
      `${name}: worker of ${once.toFixed(0)} MB for ${maxRows / 10} rows, ` +
        `${tenfold.toFixed(0)} MB for ${maxRows}: ${(tenfold / once).toFixed(2)} (at most 1.1, 150 MB)`,
    );
  }
}

const only = process.argv[2];
console.log(`before: ${machineLoad()}`);
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
} else if (only === 'long') {
  await measureLong();
} else {
  console.log(`${stack.url}, ${maxRows} rows`);
  await createTable();
  try {
    if (only === undefined || only === 'times') await compareTimes(rounds);
    if (only === undefined || only === 'cpu') await measureCpu(cases, rounds);
    if (only === 'floor') await measureFloor(rounds);
    if (only === 'units') await measureUnits();
    if (only === undefined || only === 'xlsx') await compareWorkbooks();
    if (only === undefined || only === 'memory') await compareMemory();
    if (only === undefined || only === 'encryption') await compareEncryption();
  } finally {
    await dropTable();
  }
}
console.log(`after: ${machineLoad()}`);
