import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Context, MSKEvent } from 'aws-lambda';
import fc from 'fast-check';
import type { KafkaMessage } from 'kafkajs';
import { handler } from '../../handlers/kafka/ingest-readings.ts';
import { kafkaEvent, kafkaRecord } from '../../infra/offline/event.ts';
import { decodeReadings, textOf } from '../../lib/ingest/decode-record.ts';
import { timeBounds } from '../../lib/ingest/reading-time.ts';
import { type OwnReadingsStore, openReadingsStore } from '../support/own-readings-store.ts';
import { wrongRollups } from '../support/rollups.ts';
import { sql } from '../support/stack.ts';
import { createTopic, deleteTopics } from '../support/topic.ts';

/** Whatever producers write to the topic, no record stops its partition: each is stored, or a dead letter. */
const recordCount = 10_000;
const batchSize = 2_000;
const seed = 20_261_128;
const now = Date.now();

let store: OwnReadingsStore;
let topic: string;
beforeAll(async () => {
  store = await openReadingsStore();
  topic = await createTopic(1);
  await createTopic(1, undefined, `${topic}.dlq`);
});
afterAll(async () => {
  await deleteTopics([topic, `${topic}.dlq`]);
  await store.end();
});

const day = 86_400_000;
const instants = fc.integer({ min: now - day, max: now });
const times = fc.oneof(
  { weight: 6, arbitrary: instants.map((ms) => new Date(ms).toISOString()) },
  { weight: 3, arbitrary: instants },
  { weight: 3, arbitrary: instants.map((ms) => ms * 1_000) },
  fc.constantFrom('2026-02-30T00:00:00Z', '1e9', -1, 0, null, '', '99999999999999999999', 1e308),
  fc.string(),
);
const fields = {
  series: fc.oneof(
    { weight: 20, arbitrary: fc.integer({ min: 0, max: 30 }).map((n) => `series-${n}`) },
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.constantFrom('\ud800', '\0', '', "'; drop table readings; --", '__proto__'),
  ),
  at: times,
  value: fc.oneof(
    { weight: 20, arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true }) },
    fc.jsonValue({ maxDepth: 2 }),
  ),
};
const more = {
  unit: fc.oneof(
    { weight: 10, arbitrary: fc.constant(undefined) },
    fc.constantFrom('bar', 'Pa', '°C', 'K', '', 'm³/h', 'furlong', '1e3', '\0'),
  ),
  attributes: fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(undefined, {}, { quality: 'good', nested: [1, {}] }) },
    fc.jsonValue({ maxDepth: 4 }),
    fc.constant({ 'a\0': '\ud800' }),
  ),
};
const reading = fc.record({ ...fields, ...more }, { requiredKeys: ['series', 'at', 'value'] });
const text = fc.oneof(
  { weight: 12, arbitrary: reading.map((each) => JSON.stringify(each)) },
  fc.array(reading, { maxLength: 5 }).map((all) => JSON.stringify(all)),
  fc
    .tuple(reading, fc.integer({ min: 1, max: 5 }))
    .map(([each, count]) => JSON.stringify(Array.from({ length: count }, () => each))),
  fc.record(fields, { requiredKeys: [] }).map((each) => JSON.stringify(each)),
  fc.json(),
  fc.string({ unit: 'binary' }),
);
/** Text with some of its bytes replaced, removed or repeated. */
const damaged = fc
  .tuple(text, fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 4 }))
  .map(([whole, changes]) => {
    const bytes = Buffer.from(whole);
    for (const [position, byte] of changes)
      if (bytes.length > 0) bytes[position % bytes.length] = byte;
    return bytes;
  });
const value = fc.oneof(
  { weight: 6, arbitrary: text.map((each) => Buffer.from(each)) },
  { weight: 3, arbitrary: damaged },
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc.constant(null),
);

const context: Context = {
  callbackWaitsForEmptyEventLoop: false,
  functionName: 'ingest-readings',
  functionVersion: '$LATEST',
  invokedFunctionArn: '',
  memoryLimitInMB: '1024',
  awsRequestId: '',
  logGroupName: '',
  logStreamName: '',
  getRemainingTimeInMillis: () => 300_000,
  done: () => {},
  fail: () => {},
  succeed: () => {},
};

/** Returns the event as the function gets it from its topic. */
function eventOf(messages: readonly KafkaMessage[]): MSKEvent {
  const mapping = {
    eventSourceArn: 'arn:aws:kafka:us-east-1:000000000000:cluster/test/1',
    bootstrapServers: '',
  };
  const records = messages.map((message) => kafkaRecord(topic, 0, message));
  return JSON.parse(JSON.stringify(kafkaEvent(mapping, records)));
}

test('10,000 fuzzed records are stored or dead letters with their bytes', async () => {
  const values = fc.sample(value, { numRuns: recordCount, seed });
  const messages = values.map(
    (bytes, offset): KafkaMessage => ({
      offset: String(offset),
      key: null,
      value: bytes,
      timestamp: '0',
      attributes: 0,
      headers: {},
    }),
  );
  for (let from = 0; from < recordCount; from += batchSize)
    await handler(eventOf(messages.slice(from, from + batchSize)), context);

  const letters = new Map(
    (
      await sql<{ value: Buffer | null; headers: [string, string][] }>(
        store.outboxUrl,
        'select value, headers from outbox where topic = $1',
        [`${topic}.dlq`],
      )
    ).map((letter) => [Number(headerOf(letter.headers, 'offset')), letter.value]),
  );
  const stored = new Set(
    (
      await sql<{ place: string }>(
        store.url,
        `select (extract(epoch from at) * 1000000)::bigint || ' ' || series as place from readings`,
      )
    ).map(({ place }) => place),
  );
  const bounds = timeBounds(now, { maxAgeDays: 3_650, maxFutureSeconds: 600 });
  const isStored = (bytes: Buffer | null): boolean =>
    decodeReadings(textOf(bytes), bounds).every(({ series, atMicros }) =>
      stored.has(`${atMicros} ${series}`),
    );
  const lost = values.filter((bytes, offset) => {
    const letter = letters.get(offset);
    if (letter === undefined) return !isStored(bytes);
    return !(bytes ?? Buffer.alloc(0)).equals(letter ?? Buffer.alloc(0));
  });
  expect(lost).toEqual([]);
  console.info(`${recordCount - letters.size} stored, ${letters.size} dead letters`);
  // Neither kind is rare, or the records would not be a good sample.
  expect(letters.size).toBeGreaterThan(recordCount / 10);
  expect(letters.size).toBeLessThan((recordCount * 9) / 10);
  expect(await wrongRollups(store.url, '%')).toEqual([]);
  const [progress] = await sql(store.url, 'select next_offset::int as next from ingest_progress');
  expect(progress).toEqual({ next: recordCount });
});

function headerOf(headers: readonly [string, string][], name: string): string | undefined {
  const found = headers.find(([each]) => Buffer.from(each, 'base64').toString() === name);
  return found && Buffer.from(found[1], 'base64').toString();
}
