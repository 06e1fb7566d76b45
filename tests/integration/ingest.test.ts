import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ingestPartition } from '../../lib/ingest/ingest-partition.ts';
import type { IncomingRecord } from '../../lib/messaging/incoming-record.ts';
import { type OwnReadingsStore, openReadingsStore } from '../support/own-readings-store.ts';
import { wrongRollups } from '../support/rollups.ts';
import { sql } from '../support/stack.ts';
import { createTopic, deleteTopics, recreateTopic } from '../support/topic.ts';

/**
 * Ingest in this process, into a store of its own. Records are of a topic that exists, because Kafka is asked for its
 * id, but they are passed directly: so each test decides what is delivered, and how often.
 */
let store: OwnReadingsStore;
let topic: string;
const partitions = 8;
const now = Date.now();
const topics: string[] = [];

const newTopic = async (): Promise<string> => {
  const name = await createTopic(partitions);
  topics.push(name, await createTopic(1, undefined, `${name}.dlq`));
  return name;
};

beforeAll(async () => {
  store = await openReadingsStore({ maxAgeDays: 30, maxFutureSeconds: 60 });
  topic = await newTopic();
});
afterAll(async () => {
  await deleteTopics(topics);
  await store.end();
});

interface Sent {
  series: string;
  at: unknown;
  value: unknown;
  unit?: string;
  attributes?: unknown;
}

const recordOf = (
  sent: unknown,
  offset: number,
  { partition = 0, of = topic }: { partition?: number; of?: string } = {},
): IncomingRecord => ({
  topic: of,
  partition,
  offset,
  key: null,
  value: Buffer.isBuffer(sent) ? sent : Buffer.from(JSON.stringify(sent)),
  headers: [{ key: 'trace', value: Buffer.from([0, 255]) }],
});

/** Offsets of a partition go on from test to test. */
const nextOffsets = new Map<number, number>();
/** Delivers records as the next ones of a partition, and returns them. */
async function deliver(sent: readonly unknown[], partition = 0): Promise<IncomingRecord[]> {
  const from = nextOffsets.get(partition) ?? 0;
  const records = sent.map((each, n) => recordOf(each, from + n, { partition }));
  nextOffsets.set(partition, from + records.length);
  await ingestPartition(records);
  return records;
}

const newSeries = (): string => `test-${randomUUID()}`;

const stored = (series: string) =>
  sql<{ at: number; value: number; attributes: unknown; kafka_offset: string }>(
    store.url,
    `select (extract(epoch from at) * 1000000)::float8 as at, value, attributes, kafka_offset
     from readings where series = $1 order by at`,
    [series],
  );

interface Letter {
  value: Buffer;
  reason: string;
  offset: string;
  trace: Buffer;
}

/** Returns the dead letters of records of this topic and partition. */
async function letters(partition: number, of = topic): Promise<Letter[]> {
  const rows = await sql<{ value: Buffer; headers: [string, string][] }>(
    store.outboxUrl,
    'select value, headers from outbox where topic = $1 order by id',
    [`${of}.dlq`],
  );
  return rows.flatMap(({ value, headers }) => {
    const bytes = new Map(
      headers.map(([name, text]) => [
        Buffer.from(name, 'base64').toString(),
        Buffer.from(text, 'base64'),
      ]),
    );
    const text = (name: string): string => String(bytes.get(name));
    if (text('partition') !== String(partition)) return [];
    const trace = bytes.get('trace') ?? Buffer.alloc(0);
    return [{ value, reason: text('reason'), offset: text('offset'), trace }];
  });
}

describe('ingest of readings', () => {
  test('a reading is stored at the same instant whatever clock its producer has', async () => {
    const micros = Math.floor(now / 1_000) * 1_000_000 - 123_456;
    const text = new Date(Math.floor(micros / 1_000)).toISOString();
    const series = ['s', 'ms', 'us', 'ns', 'string', 'utc', 'offset'].map(newSeries);
    const [s, ms, us, ns, digits, utc, offset] = series;
    const nanos = `${micros}789`;
    await deliver([
      Buffer.from(`{"series":"${s}","at":${micros / 1e6},"value":1}`),
      Buffer.from(`{"series":"${ms}","at":${micros / 1e3},"value":1}`),
      Buffer.from(`{"series":"${us}","at":${micros},"value":1}`),
      Buffer.from(`{"series":"${ns}","at":${nanos},"value":1}`),
      { series: digits, at: nanos, value: 1 },
      { series: utc, at: `${text.slice(0, -1)}${String(micros).slice(-3)}Z`, value: 1 },
      {
        series: offset,
        at: `${new Date(micros / 1_000 - 3_600_000).toISOString().slice(0, -1)}${String(micros).slice(-3)}-01:00`,
        value: 1,
      },
    ]);
    for (const name of series) expect((await stored(name)).map(({ at }) => at)).toEqual([micros]);
  });

  test('attributes, units and values are stored as they were sent', async () => {
    const series = newSeries();
    const attributes = { quality: 'good', 'ü"\\': [1, null, { deep: true }] };
    await deliver([
      Buffer.from(
        `{"series":"${series}","at":${now},"value":-0,"unit":"bar","attributes":${JSON.stringify(attributes)}}`,
      ),
      { series, at: now + 1, value: 5e-324 },
      Buffer.from(
        `{"series":"${series}","at":${now + 2},"value":1.7976931348623157e308,"attributes":{"serial":12345678901234567890}}`,
      ),
    ]);
    const rows = await stored(series);
    expect(rows.map(({ value }) => value)).toEqual([-0, 5e-324, Number.MAX_VALUE]);
    expect(rows[0]?.attributes).toEqual(attributes);
    const [exact] = await sql(
      store.url,
      `select attributes::text from readings where series = $1 and attributes ? 'serial'`,
      [series],
    );
    expect(exact).toEqual({ attributes: '{"serial": 12345678901234567890}' });
    expect(await sql(store.url, 'select unit from series where series = $1', [series])).toEqual([
      { unit: 'bar' },
    ]);
  });

  test('of readings of the same series and time the one with the later offset is kept, in one batch and in several', async () => {
    const series = newSeries();
    const reading = (value: number, at = now): Sent => ({ series, at, value });
    await deliver([reading(1), reading(10, now + 5), reading(2), [reading(3), reading(4)]]);
    expect((await stored(series)).map(({ value }) => value)).toEqual([4, 10]);
    const [again] = await deliver([reading(5)]);
    const rows = await stored(series);
    expect(rows.map(({ value }) => value)).toEqual([5, 10]);
    expect(rows[0]?.kafka_offset).toBe(String(again?.offset));
    expect(await wrongRollups(store.url, series)).toEqual([]);
  });

  test('a value in another unit is converted to that of its series, or its record is a dead letter', async () => {
    const partition = 1;
    const series = newSeries();
    await deliver([{ series, at: now, value: 20, unit: '°C' }], partition);
    const [, , refused] = await deliver(
      [
        { series, at: now + 1, value: 212, unit: '°F' },
        { series, at: now + 2, value: 300, unit: 'K' },
        { series, at: now + 3, value: 1, unit: 'bar' },
        { series, at: now + 4, value: 21 },
      ],
      partition,
    );
    const values = (await stored(series)).map(({ value }) => Number(value.toFixed(9)));
    expect(values).toEqual([20, 100, 26.85, 21]);
    expect(await letters(partition)).toEqual([
      {
        value: refused?.value,
        reason: expect.stringMatching(/^unit: the series is in °C; /),
        offset: String(refused?.offset),
        trace: Buffer.from([0, 255]),
      },
    ]);
  });

  test('the first unit that readings name becomes that of a series without one', async () => {
    const series = newSeries();
    await deliver([{ series, at: now, value: 1 }]);
    await deliver([{ series, at: now + 1, value: 2, unit: 'kW' }]);
    await deliver([{ series, at: now + 2, value: 3, unit: 'W' }]);
    expect((await stored(series)).map(({ value }) => value)).toEqual([1, 2, 0.003]);
  });
});

describe('a record that cannot be stored', () => {
  test('is a dead letter with its bytes and the reason; the other records of its batch are stored', async () => {
    const partition = 2;
    const series = newSeries();
    const good = (n: number): Sent => ({ series, at: now + n, value: n });
    const bad: [unknown, RegExp][] = [
      [Buffer.from([0xff, 0x00, 0x7b]), /UTF-8/],
      [Buffer.from('{"series": "a"'), /^is not JSON/],
      [[good(100), { ...good(101), series: newSeries() }], /more than one series/],
      [[good(102), { ...good(103), value: 'x' }], /^reading 1: value/],
      [{ ...good(104), at: now - 31 * 86_400_000 }, /^at: is too old/],
      [{ ...good(105), at: now + 120_000 }, /^at: is in the future/],
      [{ ...good(106), at: '2026-11-31T00:00:00Z' }, /exists/],
      [{ ...good(107), attributes: { a: '\0' } }, /^attributes/],
    ];
    const sent = bad.flatMap(([record], n) => [good(n), record]);
    const records = await deliver([...sent, good(50)], partition);
    expect((await stored(series)).map(({ value }) => value)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 50]);
    const found = await letters(partition);
    expect(found.map(({ value }) => value)).toEqual(
      records.filter((_, n) => n % 2 === 1).map(({ value }) => value),
    );
    for (const [n, [, reason]] of bad.entries()) expect(found[n]?.reason).toMatch(reason);
  });

  test('is found if the database refuses its batch, and the others are stored in their order', async () => {
    const partition = 3;
    const series = newSeries();
    await sql(
      store.url,
      'alter table readings add constraint refused check (value <> 4242) not valid',
    );
    try {
      const values = Array.from({ length: 300 }, (_, n) => (n === 77 || n === 201 ? 4242 : n));
      const sent = values.map((value, n): Sent => ({ series, at: now + n, value }));
      const records = await deliver(sent, partition);
      expect((await stored(series)).map(({ value }) => value)).toEqual(
        values.filter((value) => value !== 4242),
      );
      const found = await letters(partition);
      expect(found.map(({ value }) => value)).toEqual([records[77]?.value, records[201]?.value]);
      expect(found[0]?.reason).toMatch(/^the database refused it: .*violates check constraint/);
      expect(await wrongRollups(store.url, series)).toEqual([]);
    } finally {
      await sql(store.url, 'alter table readings drop constraint refused');
    }
  });

  test('does not hold up thousands like it', async () => {
    const partition = 4;
    const started = performance.now();
    await deliver(
      Array.from({ length: 10_000 }, (_, n) => Buffer.from(`not a reading ${n}`)),
      partition,
    );
    console.info(`10,000 dead letters in ${Math.round(performance.now() - started)} ms`);
    expect(await letters(partition)).toHaveLength(10_000);
  });
});

describe('the progress of a partition', () => {
  test('a batch that is delivered again changes nothing, whole or in part', async () => {
    const partition = 5;
    const series = newSeries();
    const sent: unknown[] = Array.from(
      { length: 20 },
      (_, n): Sent => ({ series, at: now + n, value: n }),
    );
    sent[7] = Buffer.from('bad');
    const records = await deliver(sent, partition);
    const state = async () => ({
      rows: await sql(store.url, 'select *, xmin::text from readings where series = $1', [series]),
      rollups: await sql(store.url, 'select *, xmin::text from readings_1m where series = $1', [
        series,
      ]),
      letters: await letters(partition),
    });
    const before = await state();
    expect(before.rows).toHaveLength(19);
    await ingestPartition(records);
    await ingestPartition(records.slice(5));
    await ingestPartition(records.slice(0, 3));
    expect(await state()).toEqual(before);
    const next = recordOf({ series, at: now + 50, value: 50 }, 20, { partition });
    await ingestPartition([...records.slice(15), next]);
    nextOffsets.set(partition, 21);
    expect((await state()).rows).toHaveLength(20);
  });

  test('a topic that is deleted and created again starts a new epoch', async () => {
    const name = await newTopic();
    const series = newSeries();
    const at = (n: number, value: number, partition = 0) =>
      recordOf({ series, at: now + n, value }, n, { of: name, partition });
    await ingestPartition([0, 1, 2, 3].map((n) => at(n, n)));
    await ingestPartition([at(0, 0, 1)]);
    await recreateTopic(name, partitions);
    await ingestPartition([at(0, 100), at(1, 101)]);
    await ingestPartition([at(0, 200, 1)]);
    expect((await stored(series)).map(({ value }) => value)).toEqual([200, 101, 2, 3]);
    expect(
      await sql(
        store.url,
        `select partition, epoch, next_offset::int from ingest_progress where topic = $1 order by 1, 2`,
        [name],
      ),
    ).toEqual([
      { partition: 0, epoch: 1, next_offset: 4 },
      { partition: 0, epoch: 2, next_offset: 2 },
      { partition: 1, epoch: 1, next_offset: 1 },
      { partition: 1, epoch: 2, next_offset: 1 },
    ]);
    // Rows say from which of the two topics they are.
    expect(
      await sql(
        store.url,
        `select epoch, count(*)::int from readings join ingest_streams using (stream_id)
         where series = $1 group by epoch order by epoch`,
        [series],
      ),
    ).toEqual([
      { epoch: 1, count: 2 },
      { epoch: 2, count: 2 },
    ]);
  });

  test('partitions with the same series at the same time wait for each other, and rollups miss nothing', async () => {
    const series = Array.from({ length: 20 }, newSeries);
    const minute = Math.floor(now / 60_000) * 60_000 - 3_600_000;
    await Promise.all(
      [6, 7].map(async (partition) => {
        for (let round = 0; round < 10; round++) {
          // In different orders: locks that were taken in the order of the records would deadlock.
          const names = partition === 6 ? series : series.toReversed();
          await deliver(
            names.flatMap((name) =>
              [0, 1, 2].map(
                (n): Sent => ({
                  series: name,
                  at: minute + round * 10_000 + n * 10 + partition,
                  value: round,
                }),
              ),
            ),
            partition,
          );
        }
      }),
    );
    for (const name of series) {
      expect(await stored(name)).toHaveLength(60);
      expect(await wrongRollups(store.url, name)).toEqual([]);
    }
  });
});

describe('rollups', () => {
  test('equal a recomputation after late, repeated and extreme readings', async () => {
    const [series, extreme] = [newSeries(), newSeries()];
    const hour = Math.floor(now / 3_600_000) * 3_600_000;
    // A series of numbers without a pattern, the same in every run.
    let seed = 42;
    const random = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return seed % below;
    };
    for (let batch = 0; batch < 15; batch++)
      await deliver(
        Array.from({ length: 100 }, () => ({
          series,
          at: hour - random(3 * 3_600_000),
          value: random(1_000_000) / 1_000 - 500,
        })),
      );
    expect(await wrongRollups(store.url, series)).toEqual([]);
    // Their sum is no double.
    await deliver([1, 2, 3].map((n) => ({ series: extreme, at: hour - n, value: 1.7e308 })));
    const [rollup] = await sql(
      store.url,
      'select sum, max, count::int from readings_1h where series = $1',
      [extreme],
    );
    expect(rollup).toEqual({ sum: Number.MAX_VALUE, max: 1.7e308, count: 3 });
    // A value that is near that, and values that are not: in one minute, and in several.
    const nearly = newSeries();
    await deliver(
      [3e292, -2e288, -1e288, 1e199, 1e-300].map((value, n) => ({
        series: nearly,
        at: hour + n * 30_000,
        value,
      })),
    );
    expect(await wrongRollups(store.url, nearly)).toEqual([]);
  });
});
