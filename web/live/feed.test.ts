import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { LiveReading } from '../../lib/contracts/live.ts';
import type { Readings, SeriesList } from '../../lib/contracts/readings.ts';
import { Feed, type ReadingsQuery } from './feed.ts';
import { toInstant } from './instant.ts';
import { LiveSocket, type SocketEvents } from './live-socket.ts';

const start = Date.parse('2026-03-01T12:00:00Z');

/** A feed on a server that has one reading per second and series. */
function startFeed(names: readonly string[] = ['pump-1', 'pump-2']) {
  const queries: { query: ReadingsQuery; etag: string | null }[] = [];
  const setting = {
    isHidden: false,
    refusesTickets: false,
    fails: false,
    dataEnd: Number.POSITIVE_INFINITY,
  };
  let events: SocketEvents | null = null;
  const socket = new LiveSocket({
    requestUrl: async () => {
      if (setting.refusesTickets) throw new Error('refused');
      return 'ws://live';
    },
    open: (_url, own) => {
      events = own;
      return { send: () => undefined, close: () => undefined };
    },
    isOnline: () => true,
    isHidden: () => setting.isHidden,
  });
  const feed = new Feed({
    socket,
    now: () => Date.now(),
    isHidden: () => setting.isHidden,
    listSeries: async () => ({ body: listOf(names), etag: null }),
    getReadings: async (query, etag) => {
      queries.push({ query, etag });
      if (setting.fails) throw new Error('failed');
      const body = secondsFrom(query, setting.dataEnd);
      const current = `"${body.points.length}"`;
      return { body: etag === current ? null : body, etag: current };
    },
  });
  const stop = feed.start();
  feed.setSeries(names);
  let cursor = 0;
  return {
    feed,
    queries,
    setting,
    stop,
    opened: async () => {
      await jest.advanceTimersByTimeAsync(0);
      events?.opened();
      await jest.advanceTimersByTimeAsync(0);
    },
    closed: () => events?.closed(),
    send: (...items: LiveReading[]) =>
      events?.received(
        JSON.stringify({ type: 'readings', prev: `c${cursor}`, next: `c${++cursor}`, items }),
      ),
    resync: () =>
      events?.received(
        JSON.stringify({ type: 'resync-required', reason: 'slow', next: `c${cursor}` }),
      ),
  };
}

const listOf = (names: readonly string[]): SeriesList => ({
  items: names.map((series) => ({ series, unit: 'bar', latest: null })),
  nextCursor: null,
});

function secondsFrom({ series, from, to }: ReadingsQuery, dataEnd: number): Readings {
  const end = Math.min(dataEnd, to === undefined ? Date.now() : Date.parse(to));
  const points = [];
  for (let at = Math.ceil(Date.parse(from) / 1_000) * 1_000; at < end; at += 1_000)
    points.push({ at: toInstant(at), min: 1, max: 1, avg: 1, last: 1, count: 1 });
  return { series, bucket: '1s', points };
}

describe('Feed', () => {
  beforeEach(() => {
    jest.useFakeTimers({ now: start });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  test('shows history and live readings as one line', async () => {
    const { feed, opened, send, stop } = startFeed();
    await opened();
    send(['pump-1', toInstant(start + 250), 7]);
    await jest.advanceTimersByTimeAsync(1_000);
    const frame = feed.frame();
    expect(frame.lines.map(({ series, unit }) => [series, unit])).toEqual([
      ['pump-1', 'bar'],
      ['pump-2', 'bar'],
    ]);
    const [times, values = []] = frame.data.aligned;
    expect(values[times.indexOf(start + 250)]).toBe(7);
    expect(times.length).toBeGreaterThanOrEqual(900);
    expect(feed.state).toMatchObject({ history: 'loaded', connection: { status: 'live' } });
    expect(feed.state.rows[0]).toMatchObject({ latest: { at: start + 250, value: 7 }, slot: 0 });
    stop();
  });

  test('a pause freezes frame and rows and counts, and resume shows the present', async () => {
    const { feed, opened, send, stop } = startFeed();
    await opened();
    await jest.advanceTimersByTimeAsync(1_000);
    feed.pause();
    const [frame, { rows, now }] = [feed.frame(), feed.state];
    for (let second = 1; second <= 5; second++) {
      await jest.advanceTimersByTimeAsync(1_000);
      send(['pump-1', toInstant(Date.now()), second], ['pump-2', toInstant(Date.now()), second]);
    }
    await jest.advanceTimersByTimeAsync(1_000);
    expect(feed.frame()).toBe(frame);
    expect(feed.state.rows).toEqual(rows);
    expect(feed.state.now).toBe(now);
    expect(feed.state.paused).toEqual({ at: start + 1_000, newReadings: 10 });
    feed.resume();
    expect(feed.state).toMatchObject({ paused: null, now: start + 7_000 });
    expect(feed.state.rows[0]?.latest?.value).toBe(5);
    expect(feed.frame().to).toBe(start + 7_000);
    expect(feed.frame().data.aligned[0]).toContain(start + 6_000);
    stop();
  });

  test('polls with If-None-Match while there is no socket, and not in a hidden tab', async () => {
    const { feed, opened, closed, queries, setting, stop } = startFeed(['pump-1']);
    await opened();
    await jest.advanceTimersByTimeAsync(10_000);
    setting.refusesTickets = true;
    closed();
    expect(feed.state.connection).toMatchObject({ status: 'reconnecting' });
    await jest.advanceTimersByTimeAsync(3_000);
    expect(feed.state.connection).toEqual({ status: 'polling' });
    // Nothing new: the address and the tag stay the same.
    setting.dataEnd = Math.ceil(Date.now() / 1_000) * 1_000 + 5_000;
    await jest.advanceTimersByTimeAsync(30_000);
    const polls = queries.slice(-2);
    expect(polls.map(({ etag }) => etag)).toEqual(['"1"', '"1"']);
    expect(polls[0]?.query).toEqual(polls[1]?.query);
    expect(feed.state.rows[0]?.latest?.at).toBe(setting.dataEnd - 1_000);

    setting.isHidden = true;
    const before = queries.length;
    await jest.advanceTimersByTimeAsync(60_000);
    expect(queries).toHaveLength(before);
    setting.isHidden = false;
    feed.wake();
    expect(queries).toHaveLength(before + 1);
    stop();
  });

  test('continues after an outage with the readings that were stored in it', async () => {
    const { feed, opened, closed, stop } = startFeed(['pump-1']);
    await opened();
    await jest.advanceTimersByTimeAsync(5_000);
    closed();
    await jest.advanceTimersByTimeAsync(1_000);
    await opened();
    await jest.advanceTimersByTimeAsync(5_000);
    const [times] = feed.frame().data.aligned;
    for (let second = -880; second < 9; second++) expect(times).toContain(start + second * 1_000);
    expect(feed.state.connection).toMatchObject({
      status: expect.stringMatching(/live|catching-up/),
    });
    stop();
  });

  test('loads the history again when readings were lost, and says so', async () => {
    const { feed, opened, resync, queries, stop } = startFeed(['pump-1']);
    await opened();
    await jest.advanceTimersByTimeAsync(10_000);
    const before = queries.length;
    resync();
    await jest.advanceTimersByTimeAsync(0);
    expect(queries.length).toBe(before + 1);
    expect(feed.state.notice).toEqual({ kind: 'reloaded', lostMs: null });
    feed.dismissNotice();
    expect(feed.state.notice).toBeNull();
    stop();
  });

  test('draws eight lines at most, and a line keeps its colour', async () => {
    const names = Array.from({ length: 12 }, (_, index) => `s${index}`);
    const { feed, opened, stop } = startFeed(names);
    await opened();
    expect(feed.frame().lines.map(({ slot }) => slot)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    feed.setLine('s2', false);
    expect(feed.frame().lines.map(({ series, slot }) => [series, slot])).toEqual([
      ...['s0', 's1'].map((series, slot) => [series, slot]),
      ...['s3', 's4', 's5', 's6', 's7'].map((series, index) => [series, index + 3]),
      ['s8', 2],
    ]);
    stop();
  });

  test('a fixed range pauses, loads its own points, and the live window comes back', async () => {
    const { feed, opened, queries, stop } = startFeed(['pump-1']);
    await opened();
    feed.setView({ kind: 'fixed', from: start - 60_000, to: start - 30_000 });
    await jest.advanceTimersByTimeAsync(0);
    expect(queries.at(-1)?.query).toEqual({
      series: 'pump-1',
      from: toInstant(start - 60_000),
      to: toInstant(start - 30_000),
    });
    expect(feed.state.paused).not.toBeNull();
    expect(feed.frame()).toMatchObject({ from: start - 60_000, to: start - 30_000 });
    expect(feed.frame().data.aligned[0]).toHaveLength(30);
    feed.setView({ kind: 'live', windowMs: 900_000 });
    expect(feed.state.paused).toBeNull();
    expect(feed.frame().to).toBe(start);
    stop();
  });

  test('history that does not load leaves the live readings', async () => {
    const { feed, opened, send, setting, stop } = startFeed(['pump-1']);
    setting.fails = true;
    feed.setView({ kind: 'live', windowMs: 3_600_000 });
    await opened();
    send(['pump-1', toInstant(start + 100), 3]);
    await jest.advanceTimersByTimeAsync(1_000);
    expect(feed.state.history).toBe('failed');
    expect(feed.frame().data.aligned[0]).toContain(start + 100);
    setting.fails = false;
    feed.retryHistory();
    await jest.advanceTimersByTimeAsync(0);
    expect(feed.state.history).toBe('loaded');
    stop();
  });
});
