import { setTimeout } from 'node:timers/promises';
import { afterAll, expect, test } from '@jest/globals';
import { newAccount } from '../support/accounts.ts';
import { produce } from '../support/events.ts';
import { LiveClient, ownSeries } from '../support/live-client.ts';
import { readStack } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

const clients: LiveClient[] = [];
afterAll(() => {
  for (const client of clients) client.close();
});

const seconds = process.env.STREAMSYNC_TEST_LONG === undefined ? 8 : 120;
const start = Date.parse('2026-04-01T00:00:00Z');

/** Kills processes of the fan-out, and cuts sockets, at random until the signal aborts. Returns how many it killed. */
async function injectFaults(signal: AbortSignal): Promise<number> {
  let killed = 0;
  while (!signal.aborted) {
    await setTimeout(100 + Math.random() * 700);
    if (Math.random() < 0.3) {
      clients[Math.floor(Math.random() * clients.length)]?.cut();
      continue;
    }
    const { processes } = await readStack();
    const alive = processes.filter(({ name }) => name.startsWith('live-fanout-'));
    const victim = alive[Math.floor(Math.random() * alive.length)];
    if (!victim) continue;
    try {
      process.kill(victim.pid, 'SIGKILL');
      killed++;
    } catch {
      // It had ended.
    }
  }
  return killed;
}

const valuesOf = ({ readings }: LiveClient, series: string): number[] =>
  readings.filter(([name]) => name === series).map(([, , value]) => value);

/** Returns where the values of a series are not consecutive. Without a `resync-required` they start at 1. */
function faultsOf(client: LiveClient, series: string): string[] {
  const values = valuesOf(client, series);
  const [first = 1] = values;
  const firstExpected = client.resyncs.length > 0 ? first : 1;
  return values
    .flatMap((value, n) =>
      value === firstExpected + n ? [] : [`${series}: ${value} at ${firstExpected + n}`],
    )
    .slice(0, 10);
}

test(
  'clients get each reading once, or resync-required, while processes are killed and sockets cut',
  async () => {
    const account = await newAccount();
    const series = ownSeries(8);
    for (let n = 0; n < 4; n++) {
      const client = await LiveClient.open(account.byKey, { reopens: true });
      clients.push(client);
      // Different sets of series: each client has a chain of its own.
      await client.subscribe(series.slice(n));
    }
    const stop = new AbortController();
    const injecting = injectFaults(stop.signal);
    const end = performance.now() + seconds * 1_000;
    let count = 0;
    const send = (): Promise<void> => {
      count++;
      const at = start + count;
      return produce(
        'readings',
        series.map((name) => ({
          key: name,
          value: JSON.stringify({ series: name, at, value: count }),
        })),
      );
    };
    while (performance.now() < end) await send();
    stop.abort();
    expect(await injecting).toBeGreaterThan(1);

    // A client that has to load what it missed gets the next ones.
    await waitFor(
      'all clients have the last reading of all their series',
      async () => {
        const wait = clients.some((client, n) =>
          series.slice(n).some((name) => valuesOf(client, name).at(-1) !== count),
        );
        if (!wait) return true;
        if (clients.some(({ resyncs }) => resyncs.length > 0)) await send();
        return undefined;
      },
      { seconds: 90, everyMs: 1_000 },
    );
    for (const [n, client] of clients.entries())
      expect(series.slice(n).flatMap((name) => faultsOf(client, name))).toEqual([]);
  },
  (seconds + 120) * 1_000,
);
