import type pg from 'pg';
import { advisoryLocks, catalogue } from '../runtime/catalogue.ts';
import { config } from '../runtime/config.ts';
import { FairLimiter } from '../runtime/fair-limiter.ts';
import { sleep } from '../runtime/retry.ts';
import { settledWithin } from '../runtime/timeout.ts';
import { isUnsent } from './batches.ts';
import { gateway as apiGateway, type Gateway } from './gateway.ts';
import { Round } from './round.ts';
import { Tenure } from './tenure.ts';

/**
 * All messages with readings are sent by the holder of one lock, so that a connection gets them one after the other and
 * in order. A process that stores a batch tries to become the sender; if another one holds the lock, that one sends it: a
 * sender looks for unsent batches once more after it has released the lock.
 */

/** One at a time in this process: others would occupy connections of the pool while they wait for the lock. */
const turns = new FairLimiter({ running: 1 });
let busy = 0;
/** Someone in this process wanted to send while it was busy. */
let isWanted = false;

/**
 * Rounds start at this interval or later, and collect what arrives meanwhile into one message for each connection. It
 * grows with the number of subscribed connections, so that about 1,000 messages a second are sent at most; a chart is
 * drawn ten times a second.
 */
const roundMs = { first: 25, perSubscriber: 1, max: 200 };
/** While slow connections still take their messages, new batches are looked for so often. */
const lookMs = 25;

/**
 * A sender whose round was not the last one leaves the next one to an invocation that comes within this time: its own
 * partition must not wait while it sends for the others.
 */
const handOverMs = 20;

/** Sends all stored batches, or leaves it to the current sender. Throws if the catalogue does not answer. */
export async function send(gateway: Gateway = apiGateway): Promise<void> {
  for (;;) {
    if (busy > 0) {
      isWanted = true;
      return;
    }
    const outcome = await hold(false, gateway, runRounds);
    if (!takesOver(outcome)) return;
    await sleep(handOverMs);
    if (!(await isUnsent(catalogue()))) return;
  }
}

/** Returns whether this process has to send what was stored during its turn. */
function takesOver(outcome: { hasMore: boolean } | undefined): boolean {
  const wasWanted = isWanted && busy === 0;
  if (wasWanted) isWanted = false;
  return wasWanted || outcome?.hasMore === true;
}

/**
 * Runs `work` while no other process sends, then sends what was stored meanwhile. Throws what `work` throws, and if the
 * lock is not free in time.
 */
export async function asSender<T>(
  work: (tenure: Tenure) => Promise<T>,
  gateway: Gateway = apiGateway,
): Promise<T> {
  try {
    const outcome = await hold(true, gateway, work);
    if (!outcome) throw new Error('the lock of the sender was not waited for');
    if (takesOver(outcome)) await send(gateway);
    return outcome.result;
  } catch (error) {
    // Others may have left it to us.
    await send(gateway).catch(() => undefined);
    throw error;
  }
}

async function runRounds(tenure: Tenure): Promise<void> {
  const { first, perSubscriber, max } = roundMs;
  const intervalMs = Math.min(max, first + perSubscriber * tenure.subscribers);
  for (;;) {
    await sleep(tenure.msUntilRound(intervalMs));
    const isIdle = await new Round(tenure).run();
    if (tenure.flights.size === 0) return;
    await settledWithin(tenure.settled(), isIdle ? lookMs : intervalMs);
    if (tenure.flights.size === 0) return;
  }
}

/** Runs `work` with the lock. Returns undefined if the lock is not free and `waits` is false. */
async function hold<T>(
  waits: boolean,
  gateway: Gateway,
  work: (tenure: Tenure) => Promise<T>,
): Promise<{ result: T; hasMore: boolean } | undefined> {
  busy++;
  const endTurn = await turns.acquire('');
  try {
    return await withLock(waits, gateway, work);
  } finally {
    busy--;
    endTurn();
  }
}

async function withLock<T>(
  waits: boolean,
  gateway: Gateway,
  work: (tenure: Tenure) => Promise<T>,
): Promise<{ result: T; hasMore: boolean } | undefined> {
  const client = await catalogue().connect();
  let broken: Error | undefined = new Error('the sender failed');
  try {
    if (!(await lock(client, waits))) {
      broken = undefined;
      return undefined;
    }
    const tenure = await Tenure.start(client, gateway, config().readings?.source ?? null);
    const result = await work(tenure);
    await tenure.end();
    const hasMore = await unlock(client);
    broken = undefined;
    return { result, hasMore };
  } finally {
    // A connection that is destroyed releases the lock.
    client.release(broken);
  }
}

/**
 * Settings of a session that has the lock. A sender that was frozen or lost its network loses the lock. And it does not
 * wait for the disk: if the catalogue's server crashes, what it forgets of the last rounds is seen by the clients as a
 * gap, and they subscribe again.
 */
const sessionOfSender = { idle_session_timeout: '10s', synchronous_commit: 'off' };
const setSession = Object.entries(sessionOfSender)
  .map(([name, value]) => `set_config('${name}', '${value}', false)`)
  .join(', ');
const resetSession = Object.keys(sessionOfSender)
  .map((name) => `reset ${name}`)
  .join('; ');

async function lock(client: pg.PoolClient, waits: boolean): Promise<boolean> {
  const take = waits ? 'pg_advisory_lock' : 'pg_try_advisory_lock';
  const { rows } = await client.query<{ locked: unknown }>(`select ${take}($1) as locked`, [
    advisoryLocks.live,
  ]);
  if (!waits && rows[0]?.locked !== true) return false;
  await client.query(`select ${setSession}`);
  return true;
}

/** Releases the lock, then returns whether a batch is unsent: the invocation that stored it saw the lock taken. */
async function unlock(client: pg.PoolClient): Promise<boolean> {
  await client.query(`select pg_advisory_unlock(${advisoryLocks.live}); ${resetSession}`);
  // A statement of its own, which sees what was committed until the lock was free.
  return isUnsent(client);
}
