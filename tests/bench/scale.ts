import pg from 'pg';
import { openHome } from '../../infra/local/home/home.ts';
import { applyStackEnvironment, findRunningStack } from '../../infra/local/home/running-stack.ts';
import { withScratchCatalogue } from '../../infra/postgres/scratch-database.ts';
import { exportDocumentSchema } from '../../lib/contracts/export-document.ts';
import { catalogue } from '../../lib/runtime/catalogue.ts';
import { dispatch } from '../../lib/scheduling/dispatch.ts';
import { asAdmin, asDemo, call, createExport, ended } from '../support/api.ts';
import { emptyQueue, fillQueue } from '../support/long-queue.ts';
import { configureSources } from '../support/own-source.ts';
import { home, sql, stack } from '../support/stack.ts';
import { machineLoad } from './machine.ts';
import { median } from './measure.ts';

/**
 * Measures that a long queue costs callers and dispatch as little as a short one: with 10, 20,000, 100,000 and again
 * 10 waiting exports of up to 5,000 accounts. The ratios are to the mean of the two rounds with 10, because the speed
 * of a machine varies.
 */
const lengths = [10, 20_000, 100_000, 10];
const accountsOf = (exports: number): number => Math.min(5_000, exports);
const maxRatio = 2;

/** The milliseconds of each run, by the name of the operation. */
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
    const startedAt = performance.now();
    await work();
    times.push(performance.now() - startedAt);
  }
  samples.set(name, times);
}

const small = { sources: ['iot'], dataset: 'series', format: 'csv' };

/** Measures calls through NGINX on the running stack. */
async function measureCalls(length: number): Promise<Samples> {
  const samples: Samples = new Map();
  // The source has no connections, so all exports wait in the queue.
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

/** Measures dispatch on a scratch catalogue, where no worker takes the units. */
async function measureDispatch(url: string, length: number, slots: number): Promise<Samples> {
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
      // Each run requeues one unit and dispatches one.
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
  if (!running) throw new Error('the stack is not running');
  applyStackEnvironment(opened, running);
  const rounds: Samples[] = [];
  await withScratchCatalogue(stack.postgres.catalogue, async (url) => {
    process.env.STREAMSYNC_CATALOGUE_URL = url;
    configureSources({ sales: { url, maxConnections: 10_000 } });
    try {
      for (const length of lengths) {
        const load = machineLoad();
        rounds.push(
          new Map([
            ...(await measureCalls(length)),
            ...(await measureDispatch(url, length, 4)),
            ...(await measureDispatch(url, length, 1_000)),
          ]),
        );
        console.log(`${length} waiting exports measured; before: ${load}`);
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
  const lines = rounds.map((samples, n) => {
    const sorted = (samples.get(name) ?? []).toSorted((a, b) => a - b);
    const at = (share: number) => sorted[Math.floor(sorted.length * share)]?.toFixed(1);
    return `${lengths[n]}: ${medians[n]?.toFixed(1)} (${at(0.25)} to ${at(0.75)})`;
  });
  const ratios = rest.map((it) => (it / base).toFixed(2)).join(', ');
  console.log(`${name}: × ${ratios} (at most ${maxRatio}); ms ${lines.join('; ')}`);
}
