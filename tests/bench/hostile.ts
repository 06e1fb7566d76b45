import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import type { z } from 'zod';
import { newAccount, type OwnAccount } from '../support/accounts.ts';
import { asOther, monthOfOrders } from '../support/api.ts';
import { sql, stack } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';
import { answersSchema, type startSchema } from './hostile-load.ts';
import { median, secondsOf } from './measure.ts';

/**
 * `npm run bench -- hostile`, with a running stack: measures what the load of one account costs another. Rounds
 * without and with the load alternate. In each round the other account creates a small export, polls it until it is
 * ready, and then polls it 40 times more. hostile-load.ts sends all that an account can send at once: exports up to its
 * limit, estimates, previews, lists, sources, bodies at and over the size limit, and wrong passwords.
 */
const rounds = 5;
const pollsPerRound = 40;
const secondsPerRound = 60;
const maxStopSeconds = 40;
/** The maximum slowdown of the other account, as ratios of the medians. */
const limits = { ready: 3, poll: 2 };

const removeAccount = async ({ id }: OwnAccount): Promise<void> => {
  const { catalogue } = stack.postgres;
  await sql(
    catalogue,
    `update exports set deleted_at = now(), cancel_requested_at = now() where owner_id = $1`,
    [id],
  );
  await sql(catalogue, 'update accounts set disabled_at = now() where id = $1', [id]);
};

/** Waits until no export of the load is waiting or running, so that the next round is quiet. */
const waitForLoad = ({ id }: OwnAccount): Promise<true> =>
  waitFor(
    'the exports of the load are done',
    async () => {
      const rows = await sql(
        stack.postgres.catalogue,
        `select 1 from exports where owner_id = $1 and state not in ('ready', 'failed', 'cancelled', 'expired') limit 1`,
        [id],
      );
      return rows.length === 0 ? true : undefined;
    },
    { seconds: 120, everyMs: 500 },
  );

/** Starts the load of an account in a process of its own. `stop` ends it and returns the number of each answer. */
function load({ apiKey }: OwnAccount): { stop: () => Promise<Record<string, number>> } {
  const child = fork(new URL('hostile-load.ts', import.meta.url));
  child.send({ apiKey, seconds: secondsPerRound } satisfies z.input<typeof startSchema>);
  return {
    stop: async () => {
      const signal = AbortSignal.timeout(maxStopSeconds * 1_000);
      const exited = once(child, 'exit', { signal });
      const answers = once(child, 'message', { signal });
      try {
        child.send('stop');
        const [message] = await answers;
        await exited;
        return answersSchema.parse(message);
      } finally {
        child.kill('SIGKILL');
      }
    },
  };
}

const idIn = (text: string): string => {
  const value: unknown = JSON.parse(text);
  if (typeof value === 'object' && value !== null && 'id' in value && typeof value.id === 'string')
    return value.id;
  throw new Error(`the answer is no export: ${text.slice(0, 200)}`);
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
    signal: AbortSignal.timeout(secondsPerRound * 1_000),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response.text();
}

/** Returns the seconds from request to ready, and of each poll. */
async function round(): Promise<{ ready: number; polls: number[] }> {
  let id = '';
  const ready = await secondsOf(async () => {
    id = idIn(await ask('/exports', JSON.stringify(monthOfOrders)));
    const end = performance.now() + secondsPerRound * 1_000;
    for (;;) {
      const status = statusIn(await ask(`/exports/${id}`));
      if (status === 'ready') return;
      if (status !== 'queued' && status !== 'running')
        throw new Error(`the export is ${String(status)}`);
      if (performance.now() > end)
        throw new Error(`the export was not ready within ${secondsPerRound} s`);
      await setTimeout(50);
    }
  });
  const polls: number[] = [];
  for (let n = 0; n < pollsPerRound; n++) {
    polls.push(await secondsOf(() => ask(`/exports/${id}`)));
    await setTimeout(10);
  }
  return { ready, polls };
}

const spread = (values: readonly number[]): string =>
  `${median(values).toFixed(3)} s (${Math.min(...values).toFixed(3)} to ${Math.max(...values).toFixed(3)})`;

/** Prints the measurements and the ratios. */
export async function compareHostile(): Promise<void> {
  const quiet = { ready: [] as number[], polls: [] as number[] };
  const loaded = { ready: [] as number[], polls: [] as number[] };
  const answers = new Map<string, number>();
  const attacker = await newAccount();
  try {
    await round();
    for (let n = 0; n < rounds; n++) {
      const without = await round();
      quiet.ready.push(without.ready);
      quiet.polls.push(...without.polls);
      const running = load(attacker);
      await setTimeout(2_000);
      let underLoad: Awaited<ReturnType<typeof round>>;
      try {
        underLoad = await round();
      } finally {
        for (const [name, count] of Object.entries(await running.stop()))
          answers.set(name, (answers.get(name) ?? 0) + count);
      }
      await waitForLoad(attacker);
      loaded.ready.push(underLoad.ready);
      loaded.polls.push(...underLoad.polls);
      console.log(
        `round ${n + 1} of ${rounds}: ready ${without.ready.toFixed(2)} s quiet, ${underLoad.ready.toFixed(2)} s under load`,
      );
    }
  } finally {
    await removeAccount(attacker);
  }
  const counts = [...answers].toSorted(([a], [b]) => a.localeCompare(b));
  for (const [name, count] of counts) console.log(`  ${name}: ${count}`);
  console.log(`create to ready: ${spread(quiet.ready)}, under load ${spread(loaded.ready)}`);
  console.log(`poll: ${spread(quiet.polls)}, under load ${spread(loaded.polls)}`);
  const ratio = (of: 'ready' | 'polls') => (median(loaded[of]) / median(quiet[of])).toFixed(2);
  console.log(
    `ready ${ratio('ready')} × quiet (at most ${limits.ready}), poll ${ratio('polls')} × (at most ${limits.poll})`,
  );
}
