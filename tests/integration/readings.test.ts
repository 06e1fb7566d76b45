import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import {
  acceptedReadingsSchema,
  maxPoints,
  type Point,
  readingsSchema,
  seriesListSchema,
} from '../../lib/contracts/readings.ts';
import { sizes } from '../../lib/contracts/sizes.ts';
import { topics } from '../../lib/messaging/topics.ts';
import { readPage } from '../../lib/readings/list-series.ts';
import { readSeries } from '../../lib/readings/query-readings.ts';
import { newAccount } from '../support/accounts.ts';
import { asDemo, call } from '../support/api.ts';
import { type OwnReadingsStore, openReadingsStore } from '../support/own-readings-store.ts';
import { simulate } from '../support/simulate.ts';
import { sourceUrl, sql, stack } from '../support/stack.ts';
import { countMessages } from '../support/topic.ts';
import { waitFor } from '../support/wait-for.ts';

const iot = sourceUrl('iot');
/** The name of every series of this suite begins with it. */
const prefix = `readings-${randomUUID()}`;

const get = (query: Record<string, string>, headers: Record<string, string> = asDemo) =>
  call('GET', `/readings?${new URLSearchParams(query)}`, { headers });
const send = (body: unknown, headers: Record<string, string> = asDemo) =>
  call('POST', '/readings', { headers, body });
const list = (query: Record<string, string>, headers: Record<string, string> = asDemo) =>
  call('GET', `/series?${new URLSearchParams(query)}`, { headers });

const pointsOf = async (query: Record<string, string>) =>
  (await get(query)).json(readingsSchema).points;

/** Waits until ingest has stored this number of readings of a series. */
const stored = (series: string, count: number): Promise<true> =>
  waitFor(`${count} readings of ${series} are stored`, async () => {
    const [row] = await sql<{ count: number }>(
      iot,
      'select count(*)::int as count from readings where series = $1',
      [series],
    );
    return row?.count === count ? true : undefined;
  });

/** Returns the points of a range as PostgreSQL aggregates its readings. */
async function aggregated(
  client: pg.Client,
  { series, from, to, stride }: { series: string; from: string; to: string; stride: string },
): Promise<Point[]> {
  const { rows } = await client.query<Point>(
    `select to_char(date_bin($4, at, '2001-01-01Z') at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as at,
       min(value) as min, max(value) as max, avg(value) as avg,
       (array_agg(value order by at desc))[1] as last, count(*)::int as count
     from readings where series = $1 and at >= $2 and at < $3
     group by date_bin($4, at, '2001-01-01Z') order by date_bin($4, at, '2001-01-01Z')`,
    [series, from, to, stride],
  );
  return rows;
}

/** Doubles that are added in another order differ in their last digits. */
const roundedAverages = (points: readonly Point[]) =>
  points.map((point) => ({ ...point, avg: point.avg?.toPrecision(10) }));

afterAll(async () => {
  for (const table of ['readings', 'readings_1m', 'readings_1h', 'series'])
    await sql(iot, `delete from ${table} where starts_with(series, $1)`, [prefix]);
});

describe('readings that were sent', () => {
  const series = `${prefix}-sent`;
  const start = Math.floor(Date.now() / 60_000) * 60_000 - 3 * 3_600_000 + 17_250;
  const count = 2_000;
  const stepMs = 5_400;
  const instant = (at: number): string => new Date(at).toISOString();
  const from = instant(start);
  const to = instant(start + count * stepMs);
  let client: pg.Client;

  beforeAll(async () => {
    const readings = Array.from({ length: count }, (_, n) => ({
      series,
      at: instant(start + n * stepMs),
      value: Math.round(1e6 * Math.sin(n)) / 1_000,
      ...(n === 0 ? { unit: 'bar' } : {}),
    }));
    const answer = await send(readings);
    expect(answer.status).toBe(202);
    expect(answer.json(acceptedReadingsSchema)).toEqual({ accepted: count });
    await stored(series, count);
    client = new pg.Client({ connectionString: iot });
    await client.connect();
  });
  afterAll(() => client.end());

  test('are in the list of series with their unit and the latest of them', async () => {
    const { items } = (await list({ search: series.toUpperCase() })).json(seriesListSchema);
    const value = Math.round(1e6 * Math.sin(count - 1)) / 1_000;
    expect(items).toMatchObject([{ series, unit: 'bar', latest: { value } }]);
    expect(Date.parse(items[0]?.latest?.at ?? '')).toBe(start + (count - 1) * stepMs);
  });

  test.each([
    ['10s', '10 seconds'],
    ['1m', '1 minute'],
    ['7m', '7 minutes'],
    ['1h', '1 hour'],
    ['1d', '1 day'],
  ])('are aggregated in buckets of %s as PostgreSQL does', async (bucket, stride) => {
    // Neither end is that of a bucket.
    const range = { from: instant(start + 91_333), to: instant(start + 2_200_001 + 3_600_000) };
    for (const limits of [{ from, to }, range]) {
      const points = await pointsOf({ series, bucket, ...limits });
      expect(points.length).toBeGreaterThan(0);
      expect(roundedAverages(points)).toEqual(
        roundedAverages(await aggregated(client, { series, stride, ...limits })),
      );
    }
  });

  test('are answered in a bucket that is chosen, over all of their time if no range is given', async () => {
    const { bucket, points } = (await get({ series })).json(readingsSchema);
    expect(bucket).toBe('10s');
    expect(points.length).toBeLessThanOrEqual(maxPoints);
    expect(points.reduce((sum, point) => sum + point.count, 0)).toBe(count);
    const { bucket: ofDays } = (await get({ series, from: '2020-01-01T00:00:00Z' })).json(
      readingsSchema,
    );
    expect(ofDays).toBe('7d');
  });

  test('are answered with 304 until they change', async () => {
    const query = { series, from, bucket: '1h' };
    const first = await get(query);
    const etag = first.headers.get('etag') ?? '';
    const again = await get(query, { ...asDemo, 'if-none-match': etag });
    expect([again.status, again.bytes.length]).toEqual([304, 0]);
    const late = { series, at: instant(start + 1), value: -5_000 };
    expect((await send(late)).status).toBe(202);
    await stored(series, count + 1);
    const changed = await get(query, { ...asDemo, 'if-none-match': etag });
    expect(changed.status).toBe(200);
    expect(changed.json(readingsSchema).points[0]?.min).toBe(-5_000);
  });
});

test('one reading is stored with its exact time, and replaced when it is sent again', async () => {
  const series = `${prefix}-exact`;
  const micros = (Math.floor(Date.now() / 1_000) - 60) * 1_000_000 + 123_456;
  const body = (value: number) =>
    `{"series":"${series}","at":${micros}789,"value":${value},"attributes":{"id":12345678901234567890}}`;
  expect((await send(body(1))).json(acceptedReadingsSchema)).toEqual({ accepted: 1 });
  expect((await send(body(2))).status).toBe(202);
  const [row] = await waitFor('the second value is stored', async () => {
    const rows = await sql<{ micros: string; attributes: string }>(
      iot,
      `select (extract(epoch from at) * 1000000)::bigint::text as micros, attributes::text as attributes
       from readings where series = $1 and value = 2`,
      [series],
    );
    return rows.length > 0 ? rows : undefined;
  });
  expect(row).toEqual({ micros: String(micros), attributes: '{"id": 12345678901234567890}' });
  const [point] = await pointsOf({ series });
  expect(point).toMatchObject({ min: 2, max: 2, last: 2, count: 1 });
});

test('readings of several series in one request are stored, each series in its order', async () => {
  const at = (n: number): string => new Date(Date.now() - 60_000 + n).toISOString();
  const readings = Array.from({ length: 60 }, (_, n) => ({
    series: `${prefix}-many-${n % 3}`,
    at: at(n),
    value: n,
  }));
  expect((await send(readings)).json(acceptedReadingsSchema)).toEqual({ accepted: 60 });
  for (const series of [0, 1, 2].map((n) => `${prefix}-many-${n}`)) await stored(series, 20);
});

describe('GET /series', () => {
  const names = ['a', 'b', 'c', 'd', 'É'].map((name) => `${prefix}-page-${name}`);
  beforeAll(async () => {
    await sql(iot, `insert into series (series, unit) select unnest($1::text[]), 'K'`, [names]);
  });

  test('answers page by page, each series once', async () => {
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const query: Record<string, string> = { search: `${prefix}-PAGE`, limit: '2' };
      if (cursor !== null) query.cursor = cursor;
      const { items, nextCursor } = (await list(query)).json(seriesListSchema);
      expect(items.length).toBeLessThanOrEqual(2);
      expect(items.every(({ unit, latest }) => unit === 'K' && latest === null)).toBe(true);
      seen.push(...items.map(({ series }) => series));
      cursor = nextCursor;
    } while (cursor !== null);
    expect(seen).toEqual(names);
  });

  test.each([
    ['cursor', 'not a cursor'],
    ['cursor', 'AA'],
    ['limit', '0'],
    ['limit', '201'],
    ['search', 'x'.repeat(257)],
    ['order', 'name'],
  ])('rejects the %s %s', async (field, value) => {
    const answer = await list({ [field]: value });
    expect(answer.status).toBe(422);
    expect(answer.problem().errors).toEqual([expect.objectContaining({ field })]);
  });

  test('shows values that JSON cannot represent as null', async () => {
    const [item] = (await list({ search: 'probe-1' })).json(seriesListSchema).items;
    const [row] = await sql<{ value: number }>(
      iot,
      `select value from readings where series = 'probe-1' order by at desc limit 1`,
    );
    expect(item?.latest?.value).toBe(Number.isFinite(row?.value) ? row?.value : null);
  });
});

describe('GET /readings', () => {
  const series = 'pump-1';
  const day = { from: '2025-12-01T00:00:00Z', to: '2025-12-02T00:00:00Z' };

  test.each([
    ['more points than allowed', { ...day, bucket: '10s' }, 'bucket', /8,640 points.*use 1m/],
    ['a bucket of another unit', { ...day, bucket: '1w' }, 'bucket', /like 10s, 5m, 1h or 1d/],
    ['a bucket of nothing', { ...day, bucket: '0s' }, 'bucket', /like 10s/],
    ['a range that ends before it begins', { from: day.to, to: day.from }, 'from', /before `to`/],
    ['an empty range', { from: day.to, to: day.to }, 'from', /before `to`/],
    ['a time without offset', { from: '2025-12-01T00:00:00' }, 'from', /RFC 3339/],
    ['an unknown parameter', { step: '1m' }, 'step', /not a known field/],
  ])('rejects %s', async (_, query, field, message) => {
    const answer = await get({ series, ...query });
    expect(answer.status).toBe(422);
    expect(answer.problem().errors).toEqual([
      expect.objectContaining({ field, message: expect.stringMatching(message) }),
    ]);
  });

  test('rejects a request without a series, and one for a series that does not exist', async () => {
    expect((await get(day)).problem().errors).toMatchObject([{ field: 'series' }]);
    const answer = await get({ series: `${prefix}-none`, ...day });
    expect([answer.status, answer.problem().code]).toEqual([404, 'not_found']);
  });

  test('answers a series without readings, and a range without any, with no points', async () => {
    await sql(iot, `insert into series (series, unit) values ($1, '')`, [`${prefix}-empty`]);
    expect(await pointsOf({ series: `${prefix}-empty` })).toEqual([]);
    expect(await pointsOf({ series, from: '2024-01-01T00:00:00Z', to: day.from })).not.toEqual([]);
    expect(
      await pointsOf({ series, from: '2024-01-01T00:00:00Z', to: '2024-02-01T00:00:00Z' }),
    ).toEqual([]);
  });

  test('answers the history of the demo, whose values are not all finite', async () => {
    for (const bucket of ['1m', '1h', '1d']) {
      const points = await pointsOf({ series: 'probe-1', ...day, bucket });
      const [row] = await sql<{ count: number }>(
        iot,
        `select count(*)::int as count from readings where series = 'probe-1' and at >= $1 and at < $2
           and value > '-Infinity' and value < 'Infinity'`,
        [day.from, day.to],
      );
      expect(points.reduce((sum, point) => sum + point.count, 0)).toBe(row?.count);
    }
  });
});

describe('an account without a grant of the source', () => {
  let headers: Record<string, string>;
  beforeAll(async () => {
    const account = await newAccount();
    headers = account.byKey;
    await sql(
      stack.postgres.catalogue,
      `delete from grants where account_id = $1 and source = 'iot'`,
      [account.id],
    );
  });

  test('sees no series, no readings of a series that exists, and may not send any', async () => {
    expect((await list({}, headers)).json(seriesListSchema)).toEqual({
      items: [],
      nextCursor: null,
    });
    const answer = await get({ series: 'pump-1' }, headers);
    const unknown = await get({ series: `${prefix}-none` }, asDemo);
    expect([answer.status, answer.problem().detail]).toEqual([404, 'There is no series pump-1.']);
    expect(unknown.problem().detail).toBe(`There is no series ${prefix}-none.`);
    const sent = await send({ series: `${prefix}-no`, at: 1, value: 1 }, headers);
    expect([sent.status, sent.problem().code]).toEqual([403, 'forbidden']);
  });

  test('no route answers without credentials', async () => {
    for (const answer of [await list({}, {}), await get({ series: 'a' }, {}), await send({}, {})])
      expect(answer.status).toBe(401);
  });
});

describe('POST /readings', () => {
  const good = () => ({
    series: `${prefix}-refused`,
    at: new Date().toISOString(),
    value: 1,
  });

  test('rejects all readings if one of them is wrong, and names those that are', async () => {
    const answer = await send([
      good(),
      { ...good(), at: '2026-02-30T00:00:00Z' },
      { ...good(), value: '1' },
      { ...good(), at: new Date(Date.now() + 3_600_000).toISOString() },
      { ...good(), colour: 'red' },
    ]);
    expect(answer.status).toBe(422);
    expect(answer.problem().errors?.map(({ field }) => field)).toEqual([
      '1.at',
      '2.value',
      '3.at',
      '4',
    ]);
    // The next reading of the series is of the same partition: when it is stored, the first one would be, too.
    expect((await send(good())).status).toBe(202);
    await stored(`${prefix}-refused`, 1);
  });

  test.each([
    ['no JSON', '{', 400, 'malformed_body'],
    ['nothing', '[]', 422, 'invalid_request'],
    ['a number', '7', 422, 'invalid_request'],
    ['deep nesting', '['.repeat(100) + ']'.repeat(100), 413, 'too_large'],
    ['a large body', `[${' '.repeat(sizes.requestBytes)}]`, 413, 'too_large'],
  ])('rejects %s', async (_, body, status, code) => {
    const answer = await send(body);
    expect([answer.status, answer.problem().code]).toEqual([status, code]);
  });

  test('takes as many readings as fit into a request', async () => {
    const at = Date.now() - 3_600_000;
    const one = (n: number): string => `{"series":"${prefix}-full","at":${at + n},"value":1}`;
    const all = Array.from(
      { length: Math.floor(sizes.requestBytes / (one(0).length + 1)) - 1 },
      (_, n) => one(n),
    );
    const answer = await send(`[${all.join(',')}]`);
    expect(answer.json(acceptedReadingsSchema)).toEqual({ accepted: all.length });
    await stored(`${prefix}-full`, all.length);
  });
});

describe('a year of one series, among many', () => {
  const series = 'a-year';
  const others = 20_000;
  const year = { from: '2025-01-01T00:00:00Z', to: '2026-01-01T00:00:00Z' };
  let store: OwnReadingsStore;
  let client: pg.Client;

  beforeAll(async () => {
    store = await openReadingsStore();
    client = new pg.Client({ connectionString: store.url });
    await client.connect();
    await client.query(`
      select readings_create_partition(month::date)
        from generate_series('2025-01-01'::date, '2025-12-01', '1 month') month;
      insert into series (series, unit) values ('${series}', 'bar');
      insert into series (series, unit) select 'other-' || n, '' from generate_series(1, ${others}) n;
      insert into readings (series, at, value)
        select 'other-' || n, '2025-06-01Z'::timestamptz + n * interval '1 s', n from generate_series(1, ${others}, 2) n;
      insert into readings (series, at, value)
        select '${series}', '2025-01-01Z'::timestamptz + n * interval '10 minutes', sin(n) from generate_series(0, 365 * 144 - 1) n;
      insert into readings_1m select series, at, value, value, value, value, at, 1 from readings where series = '${series}';
      insert into readings_1h
        select series, date_bin('1 hour', at, '2001-01-01Z'), min(min), max(max), sum(sum),
          (array_agg(last order by at desc))[1], max(last_at), count(*) from readings_1m group by 1, 2;
      analyze`);
  });
  afterAll(async () => {
    await client.end();
    await store.end();
  });

  /** Runs queries in a transaction. Returns their answer, and how many rows they read from each table. */
  async function countingRows<T>(ask: () => Promise<T>) {
    // Otherwise the numbers include earlier statements that the server has not reported yet.
    await client.query('select pg_stat_force_next_flush()');
    await client.query('begin isolation level repeatable read read only');
    try {
      const answer = await ask();
      const { rows } = await client.query<{ name: string; rows: number }>(
        `select case when relname ~ '^readings_(\\d{4}_|other)' then 'readings' else relname end as name,
           sum(seq_tup_read + idx_tup_fetch)::int as rows
         from pg_stat_xact_user_tables group by 1`,
      );
      return { answer, read: new Map(rows.map(({ name, rows: count }) => [name, count])) };
    } finally {
      await client.query('commit');
    }
  }
  const readRows = (query: { from: string; to: string; bucket?: string }) =>
    countingRows(() => readSeries(client, { series, ...query }));

  test('is found in the list with its latest reading, for which one row of each series is read', async () => {
    const limit = 50;
    const first = await countingRows(() => readPage(client, { limit }));
    expect(first.answer.items[0]?.latest?.at).toBe('2025-12-31T23:50:00Z');
    // Without rollups; every other one has no readings at all.
    const next = await countingRows(() =>
      readPage(client, { limit, cursor: first.answer.nextCursor ?? '' }),
    );
    expect(next.answer.items.filter(({ latest }) => latest === null)).toHaveLength(limit / 2);
    for (const { answer, read } of [first, next]) {
      expect(answer.items).toHaveLength(limit);
      // With those at the ends of the page.
      expect(read.get('series')).toBeLessThanOrEqual(limit + 5);
      expect(read.get('readings')).toBeLessThanOrEqual(limit + 5);
      expect(read.get('readings_1h') ?? 0).toBeLessThanOrEqual(limit + 5);
    }
  });

  test('is read from its hours alone', async () => {
    const { answer, read } = await readRows(year);
    expect(answer.bucket).toBe('6h');
    expect(answer.points).toHaveLength(365 * 4);
    expect(read.get('readings') ?? 0).toBe(0);
    expect(read.get('readings_1m') ?? 0).toBe(0);
    // Twice: once to count, once to answer.
    expect(read.get('readings_1h')).toBeLessThanOrEqual(2 * 8_760);
    expect(roundedAverages(answer.points)).toEqual(
      roundedAverages(await aggregated(client, { series, ...year, stride: '6 hours' })),
    );
  });

  test('is read at its ends from minutes and readings, if it does not begin or end with an hour', async () => {
    const range = { from: '2025-01-10T10:59:00.5Z', to: '2025-12-20T03:14:30.25Z' };
    const { answer, read } = await readRows({ ...range, bucket: '1d' });
    expect(read.get('readings') ?? 0).toBeLessThan(5);
    expect(read.get('readings_1m') ?? 0).toBeLessThan(120);
    expect(roundedAverages(answer.points)).toEqual(
      roundedAverages(await aggregated(client, { series, ...range, stride: '1 day' })),
    );
  });

  test('is read without rollups where the sweep has yet to compute them', async () => {
    await client.query(`
      insert into rollup_backfills values ('readings_2025_03', '2025-03-05T00:30Z', '2025-04-01Z');
      delete from readings_1m where at >= '2025-03-05T00:30Z' and at < '2025-04-01Z';
      delete from readings_1h where at >= '2025-03-05T00:00Z' and at < '2025-04-01Z';
      insert into readings_1h select series, '2025-03-05T00:00Z', min(min), max(max), sum(sum), 0, max(last_at), count(*)
        from readings_1m where at >= '2025-03-05T00:00Z' and at < '2025-03-05T01:00Z' group by series`);
    const { answer } = await readRows(year);
    expect(roundedAverages(answer.points)).toEqual(
      roundedAverages(await aggregated(client, { series, ...year, stride: '6 hours' })),
    );
  });
});

describe('npm run simulate', () => {
  test('sends as many records as asked, which are stored or dead letters', async () => {
    const count = async (): Promise<number> =>
      Number(
        (
          await sql<{ count: string }>(
            iot,
            'select count(*) from readings where stream_id is not null',
          )
        )[0]?.count,
      );
    const [before, sentBefore] = [await count(), await countMessages(topics.readings.name)];
    const { ended, output } = simulate(
      '--series 7 --rate 200 --seconds 3 --late 0.1 --bad 0.1 --gaps --seed 3',
    );
    expect(await ended).toBe(0);
    const printed = await output;
    expect(printed).toMatch(/^ +1 s +\d+ readings\/s$/m);
    const [, sent = '', late = '', bad = '', silent = ''] =
      /^sent (\d+) records of 7 series in [\d.]+ s \(\d+\/s\), (\d+) late, (\d+) bad, (\d+) left out as gaps$/m.exec(
        printed,
      ) ?? [];
    expect(Number(sent) + Number(silent)).toBe(600);
    expect(Number(late)).toBeGreaterThan(0);
    expect(Number(bad)).toBeGreaterThan(0);
    const isAlone = !stack.processes.some(({ name }) => name === 'simulator');
    const expectAdded = (found: number, expected: number): void =>
      isAlone ? expect(found).toBe(expected) : expect(found).toBeGreaterThanOrEqual(expected);
    expectAdded((await countMessages(topics.readings.name)) - sentBefore, Number(sent));
    const good = Number(sent) - Number(bad);
    await waitFor('the good readings are stored', async () =>
      (await count()) - before >= good ? true : undefined,
    );
    expectAdded((await count()) - before, good);
  });

  test('ends cleanly, with its sum, when it is interrupted', async () => {
    const { child, ended, output, printed } = simulate('--series 2 --rate 10');
    await waitFor('it prints its rate', async () => / readings\/s$/m.exec(printed())?.[0]);
    child.kill('SIGINT');
    expect(await ended).toBe(0);
    expect(await output).toMatch(/^sent \d+ records of 2 series/m);
  });

  test('says which option is wrong', async () => {
    const { ended, errors } = simulate('--late 2');
    expect(await ended).toBe(2);
    expect(await errors).toMatch(
      /^--late must be a share from 0 to 1, like 0.05; it is "2"\nusage: /,
    );
  });
});
