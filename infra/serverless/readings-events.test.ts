import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { z } from 'zod';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'streamsync-events-'));
});
afterAll(() => rm(directory, { recursive: true }));

/** Resolves serverless.yml as a deployment does, and returns what is printed. */
async function print(pipelines: string, variables: Record<string, string> = {}): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  execFile(
    process.execPath,
    ['node_modules/serverless/bin/serverless.js', 'print'],
    {
      env: {
        ...process.env,
        ...parseEnv(await readFile('.env.example', 'utf8')),
        STREAMSYNC_PIPELINES: pipelines,
        ...variables,
      },
      timeout: 120_000,
    },
    (_error, stdout, stderr) => resolve(stdout + stderr),
  );
  return promise;
}

const printedSchema = z.object({
  functions: z.record(
    z.string(),
    z.looseObject({
      events: z.array(z.looseObject({ msk: z.looseObject({ topic: z.string() }).optional() })),
    }),
  ),
});

test('a function that gets readings has an event for readings and for the topic of each pipeline', async () => {
  const { functions } = printedSchema.parse(parse(await print('docs/examples/pipelines')));
  const events = functions['ingest-readings']?.events.map(({ msk }) => msk) ?? [];
  expect(events).toMatchObject([
    { topic: 'readings', consumerGroupId: 'streamsync-ingest-readings' },
    { topic: 'machines.log', consumerGroupId: 'streamsync-ingest-readings-machines.log' },
    { topic: 'telegraf', consumerGroupId: 'streamsync-ingest-readings-telegraf' },
    { topic: 'weather.stations', consumerGroupId: 'streamsync-ingest-readings-weather.stations' },
  ]);
  const [ofReadings, ...ofPipelines] = events;
  for (const event of ofPipelines)
    expect({ ...event, topic: '', consumerGroupId: '' }).toEqual({
      ...ofReadings,
      topic: '',
      consumerGroupId: '',
    });
});

test('a deployment without a store for readings has no events of readings', async () => {
  const printed = await print('docs/examples/pipelines', { STREAMSYNC_READINGS: '' });
  const { functions } = printedSchema.parse(parse(printed));
  expect(functions['ingest-readings']?.events).toEqual([]);
  expect(functions['live-fanout']?.events).toEqual([]);
  expect(functions['push-export-events']?.events).toHaveLength(1);
});

test('a deployment with a wrong pipeline is refused, with file, line and field', async () => {
  const file = join(directory, 'wrong.yaml');
  await writeFile(file, 'topic: t\nformat: json\nseries: s\nat: t\nvalue: v(\n');
  expect(await print(file)).toContain(`${file}:5: value is not a JMESPath expression`);
});
