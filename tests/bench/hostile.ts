import { Agent, request } from 'node:http';
import { loadavg } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { sizes } from '../../lib/contracts/sizes.ts';
import { newAccount, type OwnAccount } from '../stack/accounts.ts';
import { asOther, monthOfOrders } from '../stack/api.ts';
import { sql, stack } from '../stack/stack.ts';
import { until } from '../stack/until.ts';
import { median, secondsOf } from './measure.ts';

/**
 * `npm run bench -- hostile`, beside a stack that runs: what the hostile load of one account costs another. Rounds
 * without and with the load take turns. In each the other account asks for a small export and polls it until it is
 * ready, then polls it a number of times more. The load is all that an account may send at once: exports up to its
 * limit, estimates, previews, lists, sources, bodies at and over the size limit, and wrong passwords.
 */
const rounds = 5;
const pollsOfRound = 40;
const secondsOfRound = 60;
/** How many requests of each kind the hostile account has under way at any time. */
const atOnce = 6;
/** What the other account may be slowed by, as ratios of the medians. */
const limits = { ready: 3, poll: 2 };

const removeHostile = async ({ id }: OwnAccount): Promise<void> => {
  const { catalogue } = stack.postgres;
  await sql(
    catalogue,
    `update exports set deleted_at = now(), cancel_requested_at = now() where owner_id = $1`,
    [id],
  );
  await sql(catalogue, 'update accounts set disabled_at = now() where id = $1', [id]);
};

/** What the load sends, by name: the path and the body of a POST, or the path alone of a GET. */
const largest = JSON.stringify({
  ...monthOfOrders,
  where: Array.from({ length: 31 }, () => ({
    column: 'status',
    op: 'in',
    value: ['x'.repeat(sizes.stringBytes - 200)],
  })),
});
const kinds: Record<string, { path: string; body?: string }> = {
  exports: { path: '/exports', body: JSON.stringify({ ...monthOfOrders, format: 'parquet' }) },
  largest: { path: '/exports', body: largest },
  'too large': { path: '/exports', body: largest.padEnd(sizes.requestBytes + 1) },
  brackets: { path: '/exports/estimate', body: `{"data":${'['.repeat(100_000)}` },
  digits: {
    path: '/exports/estimate',
    body: JSON.stringify({
      ...monthOfOrders,
      where: [{ column: 'id', op: 'eq', value: `${'1'.repeat(8_000)}x` }],
    }),
  },
  estimates: { path: '/exports/estimate', body: JSON.stringify(monthOfOrders) },
  previews: { path: '/exports/preview', body: JSON.stringify(monthOfOrders) },
  lists: { path: '/exports?limit=200' },
  sources: { path: '/sources' },
  'sign-ins': {
    path: '/sessions',
    body: JSON.stringify({ email: 'nobody@streamsync.example', password: 'wrong' }),
  },
};

/** Another caller comes from another address: what one address may send is not what is measured. */
const agent = new Agent({ localAddress: '127.0.0.9', keepAlive: true });

const statusOf = (
  path: string,
  headers: Record<string, string>,
  body: string | undefined,
): Promise<string> =>
  new Promise((resolve, reject) => {
    const method = body === undefined ? 'GET' : 'POST';
    const url = new URL(stack.api + path);
    url.hostname = '127.0.0.1';
    const asked = request(url, { agent, method, headers, timeout: 30_000 }, (answer) => {
      answer.on('error', reject);
      answer.on('end', () => resolve(String(answer.statusCode)));
      answer.resume();
    });
    asked.on('timeout', () => asked.destroy(new Error('no answer')));
    asked.on('error', reject);
    asked.end(body);
  });

/** Waits until nothing of the load is left to be made: a quiet round is quiet. */
const settled = ({ id }: OwnAccount): Promise<true> =>
  until(
    'the exports of the load are done',
    async () => {
      const rows = await sql(
        stack.postgres.catalogue,
        `select 1 from exports where owner_id = $1 and state not in ('ready', 'failed', 'cancelled', 'expired') limit 1`,
        [id],
      );
      return rows.length === 0 ? true : undefined;
    },
    { seconds: 120, everyMilliseconds: 500 },
  );

/** Sends requests of every kind, each answered before the next, until it is stopped; returns how they were answered. */
function load({ byKey }: OwnAccount): { stop: () => Promise<Map<string, number>> } {
  const stopped = new AbortController();
  const answers = new Map<string, number>();
  const end = performance.now() + secondsOfRound * 1_000;
  const send = async (kind: string, path: string, body: string | undefined): Promise<void> => {
    while (!stopped.signal.aborted && performance.now() < end) {
      const answer = await statusOf(
        path,
        { ...byKey, 'content-type': 'application/json' },
        body,
      ).catch(() => 'none');
      if (stopped.signal.aborted) return;
      const name = `${kind} ${answer}`;
      answers.set(name, (answers.get(name) ?? 0) + 1);
      // A client that is refused in a moment would only measure itself.
      await setTimeout(20);
    }
  };
  const sent = Object.entries(kinds).flatMap(([kind, { path, body }]) =>
    Array.from({ length: atOnce }, () => send(kind, path, body)),
  );
  return {
    stop: async () => {
      stopped.abort();
      await Promise.all(sent);
      return answers;
    },
  };
}

const idIn = (text: string): string => {
  const value: unknown = JSON.parse(text);
  if (typeof value === 'object' && value !== null && 'id' in value && typeof value.id === 'string')
    return value.id;
  throw new Error(`no export: ${text.slice(0, 200)}`);
};

const statusIn = (text: string): unknown => {
  const value: unknown = JSON.parse(text);
  return typeof value === 'object' && value !== null && 'status' in value
    ? value.status
    : undefined;
};

async function ask(path: string, body?: string): Promise<string> {
  const response = await fetch(stack.api + path, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { ...asOther, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body }),
    signal: AbortSignal.timeout(secondsOfRound * 1_000),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response.text();
}

/** Returns the seconds from asking to ready, and of each poll. */
async function round(): Promise<{ ready: number; polls: number[] }> {
  let id = '';
  const ready = await secondsOf(async () => {
    id = idIn(await ask('/exports', JSON.stringify(monthOfOrders)));
    const end = performance.now() + secondsOfRound * 1_000;
    for (;;) {
      const status = statusIn(await ask(`/exports/${id}`));
      if (status === 'ready') return;
      if (status !== 'queued' && status !== 'running')
        throw new Error(`the export is ${String(status)}`);
      if (performance.now() > end) throw new Error('the export is not ready');
      await setTimeout(50);
    }
  });
  const polls: number[] = [];
  for (let n = 0; n < pollsOfRound; n++) {
    polls.push(await secondsOf(() => ask(`/exports/${id}`)));
    await setTimeout(10);
  }
  return { ready, polls };
}

const spread = (values: readonly number[]): string =>
  `${median(values).toFixed(3)} s (${Math.min(...values).toFixed(3)} to ${Math.max(...values).toFixed(3)})`;

/** Prints what the load costs. */
export async function compareHostile(): Promise<void> {
  const quiet = { ready: [] as number[], polls: [] as number[] };
  const loaded = { ready: [] as number[], polls: [] as number[] };
  const answers = new Map<string, number>();
  const hostile = await newAccount();
  try {
    await round();
    for (let n = 0; n < rounds; n++) {
      const without = await round();
      quiet.ready.push(without.ready);
      quiet.polls.push(...without.polls);
      const running = load(hostile);
      await setTimeout(2_000);
      let beside: Awaited<ReturnType<typeof round>>;
      try {
        beside = await round();
      } finally {
        for (const [name, count] of await running.stop())
          answers.set(name, (answers.get(name) ?? 0) + count);
      }
      await settled(hostile);
      loaded.ready.push(beside.ready);
      loaded.polls.push(...beside.polls);
      console.log(
        `round ${n + 1} of ${rounds}: ready ${without.ready.toFixed(2)} s quiet, ${beside.ready.toFixed(2)} s beside the load`,
      );
    }
  } finally {
    await removeHostile(hostile);
  }
  const counts = [...answers].toSorted(([a], [b]) => a.localeCompare(b));
  for (const [name, count] of counts) console.log(`  ${name}: ${count}`);
  console.log(`create to ready: ${spread(quiet.ready)}, beside the load ${spread(loaded.ready)}`);
  console.log(`poll: ${spread(quiet.polls)}, beside the load ${spread(loaded.polls)}`);
  const ratio = (of: 'ready' | 'polls') => (median(loaded[of]) / median(quiet[of])).toFixed(2);
  console.log(
    `ready ${ratio('ready')} × quiet (at most ${limits.ready}), poll ${ratio('polls')} × (at most ${limits.poll}); ` +
      `load of the machine ${loadavg()
        .map((it) => it.toFixed(1))
        .join(' ')}`,
  );
}
