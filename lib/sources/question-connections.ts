import { randomUUID } from 'node:crypto';
import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { catalogue } from '../runtime/catalogue.ts';
import { config } from '../runtime/config.ts';
import { codeOf, messageOf, Refusal } from '../runtime/errors.ts';
import { logger } from '../runtime/logger.ts';
import { Turns } from '../runtime/turns.ts';
import { newSession, openSession, withoutTransactionTimeout } from './session.ts';

/**
 * The connections to a source that all processes together may have for questions: `maxQuestionConnections`.
 * The right to one is a row of the catalogue (`take_source_connection`), which ends by itself when a process
 * has died with it. Behind a question its connection is kept for a moment, emptied of all that the question
 * left in the session: opening one takes longer than most questions.
 */
const keepMilliseconds = 1_000;
/** Then its server closes it, if the process was stopped meanwhile, */
const idleSessionMilliseconds = 2_000;
/** and then it does not count any more. */
const keptHoldSeconds = 3;

const connectMilliseconds = 5_000;
const statementMilliseconds = 5_000;
const lockMilliseconds = 2_000;
const idleInTransactionMilliseconds = 10_000;
/** How long the server may need to see that we are gone. */
const graceMilliseconds = 2_000;

const firstWaitMilliseconds = 20;
const longestWaitMilliseconds = 400;

interface Connection {
  /** Of its row. */
  id: string;
  source: string;
  client: pg.Client;
  socket: Socket;
  /** Since when it is nobody's, and open; null: it is not open yet. */
  keptAt: number | null;
  closing?: NodeJS.Timeout;
}

/**
 * By source: those that wait in this process, account by account. The turns of all processes are decided in the
 * catalogue; here they wait without asking it again and again.
 */
const turns = new Map<string, Turns>();
/** The system's own questions, one of each source at a time. */
const turnsOfSystem = new Turns({ runningOfCaller: 1 });
/** Open, and nobody's. */
const kept = new Set<Connection>();

interface Wanted {
  source: string;
  /** Id of the account that asks; null: the system itself. */
  accountId: string | null;
  /** How long it may wait for its turn. */
  waitMilliseconds: number;
  /** How long it may have the connection. */
  useMilliseconds: number;
}

/** The right to a connection. It has to be used, once. */
export interface Taken {
  wanted: Wanted;
  connection: Connection;
  endTurn: () => void;
}

/**
 * Waits until the account may have a connection. Throws `source_unavailable` if that is not within the time,
 * and what the catalogue throws.
 */
export async function takeConnection(wanted: Wanted): Promise<Taken> {
  const { source, accountId, waitMilliseconds } = wanted;
  const most = config().sources.get(source)?.maxQuestionConnections ?? 2;
  const [turn, caller] = turnOf(source, accountId, most);
  const end = performance.now() + waitMilliseconds;
  if (!(await turn.take(caller, waitMilliseconds))) throw busy(source);
  const endTurn = (): void => turn.end(caller);
  try {
    return { wanted, endTurn, connection: await take(wanted, most, end) };
  } catch (error) {
    endTurn();
    throw error;
  }
}

/** Returns where an account, or the system, waits for its turn, and as whom. An account has half of the connections. */
function turnOf(source: string, accountId: string | null, most: number): [Turns, string] {
  if (accountId === null) return [turnsOfSystem, source];
  const ofSource = turns.get(source) ?? new Turns({ runningOfCaller: Math.floor(most / 2) });
  turns.set(source, ofSource);
  return [ofSource, accountId];
}

/**
 * Lets `use` have the connection; it calls `giveUp` if that is not to be used after it, because a statement is
 * still running. Throws what connecting throws.
 */
export async function useConnection<T>(
  { wanted, connection, endTurn }: Taken,
  use: (client: pg.Client, giveUp: () => void) => Promise<T>,
): Promise<T> {
  const { client, socket, keptAt } = connection;
  let isKept = wanted.accountId !== null;
  let mayRun = false;
  const deadline = setTimeout(() => {
    mayRun = true;
    socket.destroy(new Error('Connection terminated: the time for questions is over'));
  }, wanted.useMilliseconds);
  try {
    if (keptAt === null) await openSession(client);
    return await use(client, () => {
      isKept = false;
    });
  } catch (error) {
    // We went away, and the server may not know it yet.
    mayRun ||= codeOf(error) === 'ABORT_ERR' || /timeout expired/.test(messageOf(error));
    throw error;
  } finally {
    clearTimeout(deadline);
    if (mayRun || !isKept || !(await empty(connection))) await close(connection, mayRun);
    endTurn();
  }
}

/** Asks the catalogue until another connection may be had: one that was kept, or one to be opened. */
async function take(
  { source, accountId, useMilliseconds }: Wanted,
  most: number,
  end: number,
): Promise<Connection> {
  const seconds = (useMilliseconds + statementMilliseconds + graceMilliseconds) / 1_000;
  for (let wait = firstWaitMilliseconds; ; wait = Math.min(longestWaitMilliseconds, 2 * wait)) {
    const found = accountId === null ? undefined : takeKept(source);
    const id = found?.id ?? randomUUID();
    let taken = false;
    try {
      const { rows } = await catalogue().query<{ taken: boolean }>(
        'select take_source_connection($1, $2, $3, $4, $5) as taken',
        [id, source, accountId, most, seconds],
      );
      taken = rows[0]?.taken === true;
    } finally {
      if (!taken && found) keep(found);
    }
    if (taken) return found ?? unopened(id, source);
    if (performance.now() + wait > end) throw busy(source);
    await sleep(wait * (0.5 + Math.random()));
  }
}

function unopened(id: string, source: string): Connection {
  const socket = new Socket();
  const session = {
    name: 'streamsync:metadata',
    connectMilliseconds,
    statementMilliseconds,
    lockMilliseconds,
    idleInTransactionMilliseconds,
    idleSessionMilliseconds,
  };
  const client = newSession(source, session, socket);
  const connection = { id, source, client, socket, keptAt: null };
  // Whoever waits for a statement learns of it there.
  client.on('error', () => kept.delete(connection));
  client.on('end', () => kept.delete(connection));
  return connection;
}

/** Undoes what was done in the session, and keeps it. False if it cannot be kept. */
async function empty(connection: Connection): Promise<boolean> {
  const { client, id } = connection;
  const emptied = (async () => {
    await client.query('rollback');
    await client.query('discard all');
    await client.query(withoutTransactionTimeout);
    const { rowCount } = await catalogue().query(
      `update source_connections set account_id = null, idle = true,
         held_until = clock_timestamp() + make_interval(secs => ${keptHoldSeconds}) where id = $1`,
      [id],
    );
    return rowCount === 1;
  })().catch(() => false);
  if (!(await Promise.race([emptied, sleep(graceMilliseconds, false, { ref: false })])))
    return false;
  connection.keptAt = Date.now();
  keep(connection);
  return true;
}

/** For as long as it may be kept. */
function keep(connection: Connection): void {
  kept.add(connection);
  const left = (connection.keptAt ?? 0) + keepMilliseconds - Date.now();
  connection.closing = setTimeout(
    () => {
      if (kept.delete(connection)) void close(connection, false);
    },
    Math.max(0, left),
  );
}

/** One that is open for sure: of a process that was stopped the server may have closed it meanwhile. */
function takeKept(source: string): Connection | undefined {
  const found = [...kept].findLast((it) => it.source === source);
  if (!found) return undefined;
  kept.delete(found);
  clearTimeout(found.closing);
  if (Date.now() - (found.keptAt ?? 0) <= keepMilliseconds) return found;
  void close(found, false);
  return undefined;
}

/** The row of what may still run is left: it counts until that has ended. */
async function close({ client, socket, id }: Connection, mayRun: boolean): Promise<void> {
  const ended = client.end().then(
    () => true,
    () => true,
  );
  const gone = await Promise.race([ended, sleep(graceMilliseconds, false, { ref: false })]);
  socket.destroy();
  if (mayRun || !gone) return;
  try {
    await catalogue().query('delete from source_connections where id = $1', [id]);
  } catch (error) {
    logger.warn('connection not given back, it counts until its time is over', {
      reason: messageOf(error),
    });
  }
}

const busy = (source: string): Refusal =>
  new Refusal(
    'source_unavailable',
    `The source ${source} is answering as many questions as it may at a time, of yours or of all. Nothing was made; try again in a few seconds.`,
  );
