import { expect, test } from '@jest/globals';
import { addMetrics, printMetrics } from './metrics.ts';
import { printedLines } from './testing/printed-lines.ts';

test('printMetrics prints one line in the embedded metric format', async () => {
  const now = Date.now() - 1_000;
  const lines = await printedLines(() =>
    printMetrics(
      { function: 'ingest-readings', topic: 'readings' },
      { rows: { unit: 'Count', value: 250 }, lag: { unit: 'Milliseconds', value: 40.5 } },
      now,
    ),
  );
  expect(lines).toEqual([
    {
      _aws: {
        Timestamp: now,
        CloudWatchMetrics: [
          {
            Namespace: 'StreamSync',
            Dimensions: [['service', 'function', 'topic']],
            Metrics: [
              { Name: 'rows', Unit: 'Count' },
              { Name: 'lag', Unit: 'Milliseconds' },
            ],
          },
        ],
      },
      service: 'service_undefined',
      function: 'ingest-readings',
      topic: 'readings',
      rows: 250,
      lag: 40.5,
    },
  ]);
});

test('printMetrics leaves out values that are not finite, and prints nothing without values', async () => {
  const lines = await printedLines(() => {
    printMetrics({ topic: 'readings' }, { lag: { unit: 'Milliseconds', value: Number.NaN } });
    printMetrics({ topic: 'readings' }, {});
    printMetrics(
      { topic: 'readings' },
      { lag: { unit: 'Seconds', value: Infinity }, rows: { unit: 'Count', value: 0 } },
    );
  });
  expect(lines).toMatchObject([{ rows: 0 }]);
  expect(lines[0]).not.toHaveProperty('lag');
});

test('addMetrics prints the first batch at once, and the following ones together', async () => {
  const dimensions = { function: 'ingest-readings', topic: 'of-this-test' };
  const now = Date.now();
  const add = (readings: number, recordAge: number, at: number): void =>
    addMetrics(
      dimensions,
      {
        readings: { unit: 'Count', value: readings },
        recordAge: { unit: 'Milliseconds', value: recordAge },
      },
      at,
    );
  const lines = await printedLines(() => {
    add(5, 40, now);
    add(1, 900, now + 1_000);
    add(2, 30, now + 9_999);
    add(3, 20, now + 10_000);
    add(4, 10, now + 10_001);
    addMetrics(
      { ...dimensions, topic: 'another' },
      { readings: { unit: 'Count', value: 7 } },
      now + 10_002,
    );
  });
  expect(lines).toMatchObject([
    { topic: 'of-this-test', readings: 5, recordAge: 40 },
    { topic: 'of-this-test', readings: 6, recordAge: 900 },
    { topic: 'another', readings: 7 },
  ]);
});
