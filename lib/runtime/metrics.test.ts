import { afterEach, expect, jest, test } from '@jest/globals';
import { addMetrics, printMetrics } from './metrics.ts';

afterEach(() => {
  jest.restoreAllMocks();
});

/** Returns the lines that `print` writes, each parsed. */
function printed(print: () => void): unknown[] {
  const lines: unknown[] = [];
  jest.spyOn(console, 'log').mockImplementation((line: unknown) => {
    lines.push(JSON.parse(String(line)));
  });
  print();
  return lines;
}

test('printMetrics prints one line in the embedded metric format', () => {
  const lines = printed(() =>
    printMetrics(
      { function: 'ingest-readings', topic: 'readings' },
      { rows: { unit: 'Count', value: 250 }, lag: { unit: 'Milliseconds', value: 40.5 } },
      1_700_000_000_000,
    ),
  );
  expect(lines).toEqual([
    {
      _aws: {
        Timestamp: 1_700_000_000_000,
        CloudWatchMetrics: [
          {
            Namespace: 'StreamSync',
            Dimensions: [['function', 'topic']],
            Metrics: [
              { Name: 'rows', Unit: 'Count' },
              { Name: 'lag', Unit: 'Milliseconds' },
            ],
          },
        ],
      },
      function: 'ingest-readings',
      topic: 'readings',
      rows: 250,
      lag: 40.5,
    },
  ]);
});

test('printMetrics leaves out values that are not finite, and prints nothing without values', () => {
  const lines = printed(() => {
    printMetrics({ topic: 'readings' }, { lag: { unit: 'Milliseconds', value: Number.NaN } }, 1);
    printMetrics({ topic: 'readings' }, {}, 1);
    printMetrics(
      { topic: 'readings' },
      { lag: { unit: 'Seconds', value: Infinity }, rows: { unit: 'Count', value: 0 } },
      1,
    );
  });
  expect(lines).toMatchObject([{ rows: 0 }]);
  expect(lines[0]).not.toHaveProperty('lag');
});

test('addMetrics prints the first batch at once, and the following ones together', () => {
  const dimensions = { function: 'ingest-readings', topic: 'of-this-test' };
  const add = (readings: number, recordAge: number, now: number): void =>
    addMetrics(
      dimensions,
      {
        readings: { unit: 'Count', value: readings },
        recordAge: { unit: 'Milliseconds', value: recordAge },
      },
      now,
    );
  const lines = printed(() => {
    add(5, 40, 100_000);
    add(1, 900, 101_000);
    add(2, 30, 109_999);
    add(3, 20, 110_000);
    add(4, 10, 110_001);
    addMetrics(
      { ...dimensions, topic: 'another' },
      { readings: { unit: 'Count', value: 7 } },
      110_002,
    );
  });
  expect(lines).toMatchObject([
    { topic: 'of-this-test', readings: 5, recordAge: 40 },
    { topic: 'of-this-test', readings: 6, recordAge: 900 },
    { topic: 'another', readings: 7 },
  ]);
});
