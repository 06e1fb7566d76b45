import { afterEach, expect, jest, test } from '@jest/globals';
import type { Context, MSKEvent, MSKRecord } from 'aws-lambda';
import { kafkaBatchHandler } from './kafka-batch-handler.ts';
import { logger } from './logger.ts';
import { printedLines } from './testing/printed-lines.ts';

afterEach(() => {
  jest.restoreAllMocks();
});

const record = (topic: string, offset: number, timestamp: number): MSKRecord => ({
  topic,
  partition: 0,
  offset,
  timestamp,
  timestampType: 'CREATE_TIME',
  key: '',
  value: '',
  headers: [],
});
const eventOf = (records: Record<string, MSKRecord[]>): MSKEvent => ({
  eventSource: 'aws:kafka',
  eventSourceArn: 'arn:aws:kafka:us-east-1:000000000000:cluster/test',
  bootstrapServers: 'localhost:9092',
  records,
});
const context: Context = {
  functionName: 'ingest-readings',
  functionVersion: '1',
  awsRequestId: '1',
  callbackWaitsForEmptyEventLoop: false,
  invokedFunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:test',
  memoryLimitInMB: '512',
  logGroupName: 'test',
  logStreamName: 'test',
  getRemainingTimeInMillis: () => 1_000,
  done: () => undefined,
  fail: () => undefined,
  succeed: () => undefined,
};

test('kafkaBatchHandler measures the counts of each partition, and the age of its oldest record', async () => {
  const hour = 3_600_000;
  const handler = kafkaBatchHandler(async (records) => ({ readings: records.length }));
  const lines = await printedLines(() =>
    handler(
      eventOf({
        'readings-0': [record('readings', 7, Date.now()), record('readings', 8, Date.now() - hour)],
        'telegraf-0': [record('telegraf', 1, Date.now() + hour)],
        'empty-0': [],
      }),
      context,
    ),
  );
  expect(lines).toMatchObject([
    { function: 'ingest-readings', topic: 'readings', readings: 2, recordAge: expect.any(Number) },
    // The clock of its producer is ahead.
    { function: 'ingest-readings', topic: 'telegraf', readings: 1, recordAge: 0 },
  ]);
  const [first] = lines;
  expect(first).toHaveProperty('_aws');
  if (typeof first !== 'object' || first === null || !('recordAge' in first))
    throw new Error('it printed no age');
  expect(first.recordAge).toBeGreaterThanOrEqual(hour);
});

test('kafkaBatchHandler measures nothing for a batch that has to be delivered again', async () => {
  logger.setLogLevel('SILENT');
  const handler = kafkaBatchHandler(() => Promise.reject(new Error('no database')));
  const lines = await printedLines(() =>
    expect(handler(eventOf({ 'failed-0': [record('failed', 1, 1)] }), context)).rejects.toThrow(
      'no database',
    ),
  );
  expect(lines).toEqual([]);
});
