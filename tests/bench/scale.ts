import { loadavg } from 'node:os';
import pg from 'pg';
import { findRunningStack, useStack } from '../../infra/local/found-stack.ts';
import { openHome } from '../../infra/local/home.ts';
import { withFreshCatalogue } from '../../infra/postgres/fresh.ts';
import { exportDocumentSchema } from '../../lib/contracts/export-document.ts';
import { catalogue } from '../../lib/runtime/catalogue.ts';
import { dispatch } from '../../lib/scheduling/dispatch.ts';
import { asAdmin, asDemo, call, createExport, ended } from '../stack/api.ts';
import { emptyQueue, fillQueue } from '../stack/long-queue.ts';
import { home, sql, stack } from '../stack/stack.ts';
import { median } from './measure.ts';

/**
 * What a long queue costs those who look, ask, and are given a slot: the same as a short one. With 10, 20,000 and
 * 100,000 exports waiting, of up to 5,000 accounts, and with 10 once more, since a machine has better and worse
 * minutes. The ratios are those to the two rounds with 10.
 */
const lengths = [10, 20_000, 100_000, 10];
const accountsOf = (exports: number): number => Math.min(5_000, exports);
const highest = 2;

/** Milliseconds of each try, by what was done. */
type Samples = Map<string, number[]>;

async function sample(
  samples: Samples,
  name: string,
  count: number,
  work: () => Promise<unknown>,
): Promise<void> {
  const times: number[] = [];
  await work();
  for (let n = 0; n < count; n++) {
    const began = performance.now();
    await work();
    times.push(performance.now() - began);
  }
  samples.set(name, times);
}

const small = { sources: ['iot'], dataset: 'series', format: 'csv' };

/** Through the door, on the stack that runs. */
async function throughTheDoor(length: number): Promise<Samples> {
  const samples: Samples = new Map();
  // A source without connections: all of it waits, and all of it stands in the queue.
  await fillQueue(stack.postgres.catalogue, {
    exports: length,
    accounts: accountsOf(length),
    source: 'bench',
  });
  await call('POST', '/sources/sales/pause', { headers: asAdmin, body: { reason: 'bench' } });
  try {
    const ready = await createExport(small);
    await ended(ready.id);
    const waiting = await createExport({ ...small, sources: ['sales'], dataset: 'customers' });
    const poll = async (id: string) =>
      (await call('GET', `/exports/${id}`, { headers: asDemo })).json(exportDocumentSchema);
    await sample(samples, 'poll, ready', 100, () => poll(ready.id));
    await sample(samples, 'poll, waiting', 100, () => poll(waiting.id));
    await sample(samples, 'list', 50, () => call('GET', '/exports', { headers: asDemo }));
    await sample(samples, 'create → ready', 20, async () => {
      const { id } = await createExport(small);
      await ended(id);
    });
    await call('DELETE', `/exports/${waiting.id}`, { headers: asDemo });
  } finally {
    await call('DELETE', '/sources/sales/pause', { headers: asAdmin });
    await emptyQueue(stack.postgres.catalogue);
  }
  return samples;
}

/** On a catalogue of its own, where units are given out that nobody works on. */
async function dispatched(url: string, length: number, slots: number): Promise<Samples> {
  const samples: Samples = new Map();
  await sql(
    url,
    `delete from slots; insert into slots (partition) select generate_series(0, ${slots - 1})`,
  );
  await fillQueue(url, { exports: length, accounts: accountsOf(length), source: 'sales' });
  await dispatch();
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await sample(samples, `dispatch, ${slots} slots`, 20, async () => {
      // One comes back, one is given out.
      await client.query(
        `update units set state = 'queued' where id in (
           select u.id from units u join slots s using (partition) where u.state = 'dispatched'
           order by s.last_used_at limit 1)`,
      );
      await dispatch();
    });
  } finally {
    await client.end();
  }
  await emptyQueue(url);
  await sql(url, 'delete from outbox');
  return samples;
}

export async function measureScale(): Promise<void> {
  const opened = openHome({ STREAMSYNC_HOME: home() });
  const running = findRunningStack(opened);
  if (!running) throw new Error('the stack does not run');
  useStack(opened, running);
  const rounds: Samples[] = [];
  await withFreshCatalogue(stack.postgres.catalogue, async (url) => {
    process.env.STREAMSYNC_CATALOGUE_URL = url;
    process.env.STREAMSYNC_SOURCES = JSON.stringify({ sales: { url, maxConnections: 10_000 } });
    try {
      for (const length of lengths) {
        const load = loadavg()[0]?.toFixed(1);
        rounds.push(
          new Map([
            ...(await throughTheDoor(length)),
            ...(await dispatched(url, length, 4)),
            ...(await dispatched(url, length, 1_000)),
          ]),
        );
        console.log(`${length} waiting: measured, load average ${load} before`);
      }
    } finally {
      await catalogue().end();
    }
  });
  for (const name of rounds[0]?.keys() ?? []) report(name, rounds);
}

function report(name: string, rounds: readonly Samples[]): void {
  const medians = rounds.map((samples) => median(samples.get(name) ?? []));
  const [first = 0, ...rest] = medians;
  const base = (first + (rest.pop() ?? 0)) / 2;
  const shown = rounds.map((samples, n) => {
    const sorted = (samples.get(name) ?? []).toSorted((a, b) => a - b);
    const at = (share: number) => sorted[Math.floor(sorted.length * share)]?.toFixed(1);
    return `${lengths[n]}: ${medians[n]?.toFixed(1)} (${at(0.25)} to ${at(0.75)})`;
  });
  const ratios = rest.map((it) => (it / base).toFixed(2)).join(', ');
  console.log(`${name}: × ${ratios} (at most ${highest}); ms ${shown.join('; ')}`);
}
