import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { LiveReading } from '../../lib/contracts/live.ts';
import { type LinkState, LiveSocket, type Socket, type SocketEvents } from './live-socket.ts';

class FakeSocket implements Socket {
  readonly #events: SocketEvents;
  sent: unknown[] = [];
  isClosed = false;
  constructor(events: SocketEvents) {
    this.#events = events;
  }
  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }
  close(): void {
    this.isClosed = true;
  }
  open(): void {
    this.#events.opened();
  }
  break(): void {
    this.#events.closed();
  }
  receive(message: object): void {
    this.#events.received(JSON.stringify(message));
  }
}

interface Setting {
  online: boolean;
  hidden: boolean;
  refuses: boolean;
}

function start(series: readonly string[] = ['a']) {
  const sockets: FakeSocket[] = [];
  const items: LiveReading[] = [];
  const resyncs: string[] = [];
  const states: LinkState[] = [];
  let tickets = 0;
  const setting: Setting = { online: true, hidden: false, refuses: false };
  const live = new LiveSocket({
    requestUrl: async () => {
      tickets += 1;
      if (setting.refuses) throw new Error('refused');
      return 'ws://live';
    },
    open: (_url, events) => {
      const socket = new FakeSocket(events);
      sockets.push(socket);
      return socket;
    },
    isOnline: () => setting.online,
    isHidden: () => setting.hidden,
  });
  const listener = {
    onReadings: (received: readonly LiveReading[]) => items.push(...received),
    onResync: (reason: string) => resyncs.push(reason),
    onState: (state: LinkState) => states.push(state),
  };
  const stop = live.listen(listener, series);
  return {
    live,
    listener,
    setting,
    sockets,
    items,
    resyncs,
    states,
    stop,
    tickets: () => tickets,
    /** Returns the newest connection after it has opened. */
    opened: async (): Promise<FakeSocket> => {
      await jest.advanceTimersByTimeAsync(0);
      const socket = sockets.at(-1);
      if (!socket) throw new Error('no connection was made');
      socket.open();
      return socket;
    },
  };
}

const readings = (prev: string, next: string, ...items: LiveReading[]) => ({
  type: 'readings',
  prev,
  next,
  items,
});

describe('LiveSocket', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  test('subscribes when it is open, and passes readings on', async () => {
    const { opened, items, live } = start(['a', 'b']);
    const socket = await opened();
    expect(socket.sent).toEqual([{ action: 'subscribe', series: ['a', 'b'] }]);
    socket.receive(readings('c0', 'c1', ['a', '2026-01-01T00:00:00Z', 1]));
    expect(items).toEqual([['a', '2026-01-01T00:00:00Z', 1]]);
    expect(live.state).toEqual({ status: 'open' });
  });

  test('subscribes to a series more, and unsubscribes from one less', async () => {
    const { opened, live, listener } = start(['a', 'b']);
    const socket = await opened();
    live.select(listener, ['b', 'c']);
    expect(socket.sent.slice(1)).toEqual([
      { action: 'unsubscribe', series: ['a'] },
      { action: 'subscribe', series: ['c'] },
    ]);
  });

  test('continues after the last message on a new connection', async () => {
    const { opened } = start();
    const first = await opened();
    first.receive(readings('c0', 'c1'));
    first.receive(readings('c1', 'c2'));
    first.break();
    await jest.advanceTimersByTimeAsync(1_000);
    const second = await opened();
    expect(second.sent).toEqual([{ action: 'subscribe', series: ['a'], from: 'c2' }]);
    second.receive(readings('c2', 'c3'));
    expect(second.sent).toHaveLength(1);
  });

  test('asks again from its last cursor when a message is missing', async () => {
    const { opened, items } = start();
    const socket = await opened();
    socket.receive(readings('c0', 'c1'));
    socket.receive(readings('c2', 'c3', ['a', '2026-01-01T00:00:03Z', 3]));
    expect(socket.sent.at(-1)).toEqual({ action: 'subscribe', series: ['a'], from: 'c1' });
    // The server sends what was missing with its current cursor, then continues.
    socket.receive(readings('c3', 'c3', ['a', '2026-01-01T00:00:02Z', 2]));
    socket.receive(readings('c3', 'c4'));
    expect(socket.sent).toHaveLength(2);
    expect(items.map(([, , value]) => value)).toEqual([3, 2]);
  });

  test('accepts missing messages that are sent again as a chain of their own', async () => {
    const { opened } = start();
    const socket = await opened();
    socket.receive(readings('c0', 'c1'));
    socket.receive(readings('c3', 'c4'));
    socket.receive(readings('c1', 'c2'));
    socket.receive(readings('c2', 'c4'));
    socket.receive(readings('c4', 'c5'));
    expect(socket.sent).toHaveLength(2);
  });

  test('asks again for missing messages if the connection ends before they came', async () => {
    const { opened } = start();
    const socket = await opened();
    socket.receive(readings('c0', 'c1'));
    socket.receive(readings('c2', 'c3'));
    socket.break();
    await jest.advanceTimersByTimeAsync(1_000);
    const next = await opened();
    expect(next.sent).toEqual([{ action: 'subscribe', series: ['a'], from: 'c1' }]);
  });

  test('continues after resync-required from the cursor of that message', async () => {
    const { opened, resyncs } = start();
    const socket = await opened();
    socket.receive(readings('c0', 'c1'));
    socket.receive({ type: 'resync-required', reason: 'slow', next: 'c8' });
    socket.receive(readings('c8', 'c9'));
    expect(resyncs).toEqual(['slow']);
    expect(socket.sent).toHaveLength(1);
  });

  test('connects with growing delays, and at once on retryNow', async () => {
    const { setting, states, tickets, live } = start();
    setting.refuses = true;
    await jest.advanceTimersByTimeAsync(0);
    await jest.advanceTimersByTimeAsync(200_000);
    const delays = states.flatMap((state) => (state.status === 'waiting' ? [state.failures] : []));
    expect(delays.slice(0, 3)).toEqual([1, 2, 3]);
    // 1 + 2 + 4 + 8 + 16 s, then every 30 s at most.
    expect(tickets()).toBeGreaterThanOrEqual(9);
    expect(tickets()).toBeLessThanOrEqual(16);
    const before = tickets();
    live.retryNow();
    expect(tickets()).toBe(before + 1);
  });

  test('a hidden tab does not connect, and connects when it is shown', async () => {
    const { opened, setting, tickets, live } = start();
    const socket = await opened();
    setting.hidden = true;
    socket.break();
    await jest.advanceTimersByTimeAsync(120_000);
    expect(tickets()).toBe(1);
    expect(live.state).toEqual({ status: 'idle' });
    setting.hidden = false;
    live.wake();
    expect(tickets()).toBe(2);
  });

  test('a connection that is being made when the tab is hidden is completed', async () => {
    const { opened, setting, live } = start();
    setting.hidden = true;
    live.wake();
    const socket = await opened();
    expect(live.state).toEqual({ status: 'open' });
    expect(socket.isClosed).toBe(false);
  });

  test('an offline browser does not connect, and connects when it is online', async () => {
    const { opened, setting, tickets, live } = start();
    await opened();
    setting.online = false;
    live.wake();
    await jest.advanceTimersByTimeAsync(120_000);
    expect(live.state).toEqual({ status: 'offline' });
    setting.online = true;
    live.wake();
    expect(tickets()).toBe(2);
  });

  test('changes to a new connection before two hours, from its last cursor', async () => {
    const { opened, sockets } = start();
    const first = await opened();
    first.receive(readings('c0', 'c1'));
    let seconds = 0;
    for (; sockets.length === 1 && seconds < 8_000; seconds += 10) {
      await jest.advanceTimersByTimeAsync(10_000);
      first.receive({ type: 'pong' });
    }
    expect(first.isClosed).toBe(true);
    expect(seconds).toBeGreaterThan(90 * 60);
    expect(seconds).toBeLessThan(115 * 60);
    expect((await opened()).sent).toEqual([{ action: 'subscribe', series: ['a'], from: 'c1' }]);
  });

  test('a connection that is silent is asked, and left if it does not answer', async () => {
    const { opened, sockets } = start();
    const socket = await opened();
    await jest.advanceTimersByTimeAsync(60_000);
    expect(socket.sent.at(-1)).toEqual({ action: 'ping' });
    socket.receive({ type: 'pong' });
    await jest.advanceTimersByTimeAsync(10_000);
    expect(sockets).toHaveLength(1);
    await jest.advanceTimersByTimeAsync(121_000);
    expect(socket.isClosed).toBe(true);
    expect(sockets.length).toBeGreaterThan(1);
  });

  test('divides a long list of series into messages of less than 32 KB', async () => {
    const series = Array.from({ length: 200 }, (_, index) => `${'x'.repeat(250)}${index}`);
    const { opened } = start(series);
    const socket = await opened();
    expect(socket.sent.length).toBeGreaterThan(1);
    for (const message of socket.sent) expect(JSON.stringify(message).length).toBeLessThan(32_000);
    const subscribed = socket.sent.flatMap((message) =>
      typeof message === 'object' && message !== null && 'series' in message ? message.series : [],
    );
    expect(subscribed).toEqual(series);
  });

  test('closes the connection when the last listener leaves', async () => {
    const { opened, stop, live, setting } = start();
    const socket = await opened();
    stop();
    expect(socket.isClosed).toBe(true);
    expect(live.state).toEqual({ status: 'idle' });
    setting.hidden = false;
    live.wake();
    expect(socket.isClosed).toBe(true);
  });
});
