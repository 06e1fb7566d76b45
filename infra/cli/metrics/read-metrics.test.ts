import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { printMetrics } from '../../../lib/runtime/metrics.ts';
import { printedLines } from '../../../lib/runtime/testing/printed-lines.ts';
import { readMetrics, tableOf } from './read-metrics.ts';

const directory = mkdtempSync(join(tmpdir(), 'streamsync-metrics-'));
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

test('readMetrics adds up the lines that the functions print, and leaves out older ones and other text', async () => {
  const now = Date.now();
  const lag = (value: number) => ({ recordAge: { unit: 'Milliseconds', value } as const });
  const ingest = { function: 'ingest-readings', topic: 'readings' };
  const printed = await printedLines(() => {
    printMetrics(ingest, lag(900_000), now - 600_000);
    printMetrics(ingest, { ...lag(40), readings: { unit: 'Count', value: 3 } }, now - 2);
    printMetrics(ingest, { ...lag(20), readings: { unit: 'Count', value: 4 } }, now - 1);
    printMetrics({}, { exportsFailed: { unit: 'Count', value: 1 } }, now);
  });
  const lines = [
    'starting …',
    '{"message":"request","level":"INFO"}',
    ...printed.map((line) => JSON.stringify(line)),
  ];
  const file = join(directory, 'functions.log');
  // The last line is being written.
  writeFileSync(file, `${lines.join('\n')}\n${lines[4]?.slice(0, 40)}`);

  const series = await readMetrics([file], now - 60_000);
  expect(series).toEqual([
    {
      name: 'exportsFailed',
      unit: 'Count',
      dimensions: '',
      samples: 1,
      sum: 1,
      largest: 1,
      latest: 1,
    },
    {
      name: 'readings',
      unit: 'Count',
      dimensions: 'function=ingest-readings topic=readings',
      samples: 2,
      sum: 7,
      largest: 4,
      latest: 4,
    },
    {
      name: 'recordAge',
      unit: 'Milliseconds',
      dimensions: 'function=ingest-readings topic=readings',
      samples: 2,
      sum: 60,
      largest: 40,
      latest: 20,
    },
  ]);
  expect(tableOf(series).split('\n')).toEqual([
    'metric         of                                       unit          samples  sum  mean  largest  latest',
    'exportsFailed  all functions                            Count               1    1     1        1       1',
    'readings       function=ingest-readings topic=readings  Count               2    7   3.5        4       4',
    'recordAge      function=ingest-readings topic=readings  Milliseconds        2   60    30       40      20',
  ]);
});
