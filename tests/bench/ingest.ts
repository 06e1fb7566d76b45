import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import kafkajs from 'kafkajs';
import pg from 'pg';
import copy from 'pg-copy-streams';
import { EventSourceMapping } from '../../infra/offline/event-source-mapping.ts';
import { InstanceProcess } from '../../infra/offline/instance.ts';
import type { Log } from '../../infra/offline/log.ts';
import { InstancePool } from '../../infra/offline/pool.ts';
import { noDestinations, testFunction, testMapping } from '../../infra/offline/testing/settings.ts';
import { rollupOfMinutes, rollupOfReadings } from '../../lib/ingest/rollups.ts';
import { type OwnReadingsStore, openReadingsStore } from '../support/own-readings-store.ts';
import { sql, stack } from '../support/stack.ts';
import { createTopic, deleteTopics } from '../support/topic.ts';
import { waitFor } from '../support/wait-for.ts';
import { median, secondsOf } from './measure.ts';

/**
 * How fast readings come from Kafka into the store, relative to one COPY of the same rows into the same table with its
 * indexes and no rollups. The records are in the topic before; the function runs in processes of its own, as by
 * `npm start`, which are loaded before. The pipeline path is the same with records of another form, which a pipeline maps.
 * `npm run bench -- ingest 200000 1` takes fewer readings and rounds.
 */
const readingCount = Number(process.argv[3] ?? 1_000_000);
const seriesCount = 100;
const partitionCount = 4;
const rounds = Number(process.argv[4] ?? 3);
const minRatio = 0.4;
const minPipelineRatio = 0.6;

const start = Date.now() - 3 * 3_600_000;
/** Returns a reading: each series sends ten a second. */
function readingAt(n: number): { series: string; at: number; value: number } {
  const series = n % seriesCount;
  return {
    series: `sensor-${series}`,
    at: start + Math.floor(n / seriesCount) * 100 + series,
    value: ((n * 7_919) % 100_003) / 1_000,
  };
}
const partitionOf = (n: number): number => (n % seriesCount) % partitionCount;

const { Kafka, logLevel } = kafkajs;
const kafka = new Kafka({
  clientId: 'bench',
  brokers: stack.kafka.brokers,
  logLevel: logLevel.NOTHING,
});

type Sent = ReturnType<typeof readingAt>;

/** The form of the topic `readings`. */
const plainRecord = ({ series, at, value }: Sent): object => ({
  series,
  at: new Date(at).toISOString(),
  value,
});

/** A form that `pipelineOf` maps to the same readings. */
const foreignRecord = ({ series, at, value }: Sent): object => ({
  kind: 'sensor',
  number: series.slice('sensor-'.length),
  measured: { time: new Date(at).toISOString(), reading: value },
});

const pipelineOf = (topic: string): object => ({
  topic,
  format: 'json',
  series: "join('-', [kind, number])",
  at: 'measured.time',
  value: 'measured.reading',
});

async function produceReadings(topic: string, recordOf: (sent: Sent) => object): Promise<void> {
  const producer = kafka.producer();
  await producer.connect();
  const batch = 20_000;
  for (let from = 0; from < readingCount; from += batch) {
    const messages = Array.from({ length: batch }, (_, index) => {
      const sent = readingAt(from + index);
      return {
        key: sent.series,
        partition: partitionOf(from + index),
        value: JSON.stringify(recordOf(sent)),
      };
    });
    await producer.send({ topic, messages });
  }
  await producer.disconnect();
}

/** Returns the seconds in which a consumer that does nothing else receives all records. */
async function consumeAlone(topic: string): Promise<number> {
  const consumer = kafka.consumer({ groupId: `bench-${randomUUID()}`, maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const done = Promise.withResolvers<void>();
  let seen = 0;
  let first = 0;
  await consumer.run({
    eachBatch: async ({ batch }) => {
      first ||= performance.now();
      seen += batch.messages.length;
      if (seen >= readingCount) done.resolve();
    },
  });
  await done.promise;
  const seconds = (performance.now() - first) / 1_000;
  await consumer.disconnect();
  return seconds;
}

const log: Log = {
  info: () => {},
  notice: () => {},
  warning: console.error,
  error: console.error,
};

const ingestFunction = (pipelines: string) =>
  testFunction({
    key: 'ingest-readings',
    arn: 'arn:aws:lambda:us-east-1:000000000000:function:bench',
    timeoutMs: 300_000,
    memoryMb: 1024,
    taskRoot: process.cwd(),
    keepWarm: partitionCount,
    environment: {
      ...Object.fromEntries(
        Object.entries(process.env).map(([name, value]) => [name, value ?? '']),
      ),
      _HANDLER: 'handlers/kafka/ingest-readings.handler',
      LAMBDA_TASK_ROOT: process.cwd(),
      AWS_LAMBDA_FUNCTION_NAME: 'bench',
      AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '1024',
      AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/bench',
      STREAMSYNC_LOG_LEVEL: 'ERROR',
      STREAMSYNC_PIPELINES: pipelines,
    },
  });

/** Returns the seconds from the start of the consumers to the commit of the last reading. */
async function ingest(topic: string, store: OwnReadingsStore, pipelines = ''): Promise<number> {
  const settings = ingestFunction(pipelines);
  const pool = new InstancePool(
    settings,
    (name) => new InstanceProcess(name, settings),
    { started: () => {}, ended: () => {} },
    log,
  );
  pool.start();
  await pool.warm;
  const mapping = new EventSourceMapping(
    kafka,
    testMapping({
      functionKey: 'ingest-readings',
      bootstrapServers: stack.kafka.brokers.join(','),
      topic,
      groupId: `bench-${randomUUID()}`,
      batchSize: 10_000,
    }),
    pool,
    noDestinations,
    log,
  );
  const watcher = new pg.Client({ connectionString: store.url });
  await watcher.connect();
  mapping.start();
  await mapping.ready;
  const seconds = await secondsOf(() =>
    waitFor('all readings are stored', () => isStored(watcher), { seconds: 600, everyMs: 50 }),
  );
  await watcher.end();
  await mapping.stop(1_000, 1_000);
  await pool.stop(500);
  return seconds;
}

async function isStored(client: pg.Client): Promise<true | undefined> {
  const { rows } = await client.query<{ done: number }>(
    'select coalesce(sum(next_offset), 0)::float8 as done from ingest_progress',
  );
  return rows[0]?.done === readingCount ? true : undefined;
}

const table = 'readings (series, at, value, stream_id, kafka_partition, kafka_offset)';

/** Returns the seconds of one COPY of all rows, and those of their rollups after it. */
async function copyAll(url: string): Promise<{ seconds: number; rollups: number }> {
  const offsets = Array.from({ length: partitionCount }, () => 0);
  const chunks = Array.from({ length: readingCount / 10_000 }, (_, chunk) =>
    Array.from({ length: 10_000 }, (_unused, index) => {
      const n = chunk * 10_000 + index;
      const { series, at, value } = readingAt(n);
      const partition = partitionOf(n);
      const offset = offsets[partition] ?? 0;
      offsets[partition] = offset + 1;
      return `${series}\t${new Date(at).toISOString()}\t${value}\t1\t${partition}\t${offset}\n`;
    }).join(''),
  );
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const seconds = await secondsOf(() =>
      pipeline(Readable.from(chunks), client.query(copy.from(`copy ${table} from stdin`))),
    );
    const rollups = await secondsOf(async () => {
      await client.query(
        `insert into readings_1m (series, at, min, max, sum, last, last_at, count)
         select series, date_bin('1 minute', at, 'epoch') as minute, ${rollupOfReadings}
         from readings group by series, minute`,
      );
      await client.query(
        `insert into readings_1h (series, at, min, max, sum, last, last_at, count)
         select series, date_bin('1 hour', at, 'epoch') as hour, ${rollupOfMinutes}
         from readings_1m group by series, hour`,
      );
    });
    return { seconds, rollups };
  } finally {
    await client.end();
  }
}

async function clear({ url }: OwnReadingsStore): Promise<void> {
  await sql(url, 'truncate readings, readings_1m, readings_1h, ingest_progress, ingest_streams');
  await sql(url, 'checkpoint');
}

const rate = (seconds: number): string =>
  `${Math.round(readingCount / seconds).toLocaleString('en')} rows/s`;

/** Returns whether the ratio is high enough. */
export async function measureIngest(): Promise<boolean> {
  const [topic, foreignTopic] = [
    await createTopic(partitionCount),
    await createTopic(partitionCount),
  ];
  const directory = await mkdtemp(join(tmpdir(), 'streamsync-bench-'));
  const pipelineFile = join(directory, 'bench.json');
  await writeFile(pipelineFile, JSON.stringify(pipelineOf(foreignTopic)));
  const store = await openReadingsStore();
  try {
    console.log(`producing ${readingCount.toLocaleString('en')} readings of ${seriesCount} series`);
    await produceReadings(topic, plainRecord);
    await produceReadings(foreignTopic, foreignRecord);
    const ratios: number[] = [];
    const pipelineRatios: number[] = [];
    for (let round = 1; round <= rounds; round++) {
      await clear(store);
      const raw = await copyAll(store.url);
      const alone = await consumeAlone(topic);
      await clear(store);
      const seconds = await ingest(topic, store);
      await clear(store);
      const pipelineSeconds = await ingest(foreignTopic, store, pipelineFile);
      const ratio = raw.seconds / seconds;
      ratios.push(ratio);
      pipelineRatios.push(seconds / pipelineSeconds);
      console.log(
        [
          `round ${round}: ${ratio.toFixed(2)} × COPY`,
          `ingest with rollups ${rate(seconds)}`,
          `the same by a pipeline ${rate(pipelineSeconds)}`,
          `COPY ${rate(raw.seconds)}`,
          `COPY with rollups ${rate(raw.seconds + raw.rollups)}`,
          `kafkajs alone ${rate(alone)}`,
        ].join(', '),
      );
    }
    const ratio = median(ratios);
    const pipelineRatio = median(pipelineRatios);
    console.log(`ingest: ${ratio.toFixed(2)} × COPY (at least ${minRatio})`);
    console.log(
      `pipeline: ${pipelineRatio.toFixed(2)} × ingest of readings (at least ${minPipelineRatio})`,
    );
    return ratio >= minRatio && pipelineRatio >= minPipelineRatio;
  } finally {
    await store.end();
    await deleteTopics([topic, foreignTopic]);
    await rm(directory, { recursive: true });
  }
}
