import { randomUUID } from 'node:crypto';
import { Socket } from 'node:net';
import type pg from 'pg';
import { catalogue } from '../runtime/catalogue.ts';
import { config } from '../runtime/config.ts';
import { AppError, errorCode, errorMessage } from '../runtime/errors.ts';
import { FairLimiter } from '../runtime/fair-limiter.ts';
import { logger } from '../runtime/logger.ts';
import { backoffMs, sleep } from '../runtime/retry.ts';
import { settledWithin, withTimeout } from '../runtime/timeout.ts';
import { newSession, openSession, withoutTransactionTimeout } from './session.ts';

/**
 * All processes together may open `maxQuestionConnections` connections to a source for questions. The right to one is
 * a row of the catalogue (`take_source_connection`), which expires if its process dies. After a question its
 * connection is reset and kept for `keepMs`, because opening one takes longer than most questions.
 */
const keepMs = 1_000;
/** The server closes a kept connection after this time, if its process has died. */
const idleSessionMs = 2_000;
/** The row of a kept connection expires after this time, when the server has closed the connection. */
const keptHoldSeconds = 3;

const connectMs = 5_000;
const statementMs = 5_000;
const lockMs = 2_000;
const idleInTransactionMs = 10_000;
/** How long the server may take to notice that its client has disconnected. */
const graceMs = 2_000;

const pollLimits = { firstMs: 20, maxMs: 400 };

interface Connection {
  /** Id of its row in the catalogue. */
  id: string;
  source: string;
  client: pg.Client;
  socket: Socket;
  /** Since when it has been open and unused (`Date.now()`); null: it is not open yet. */
  keptAt: number | null;
  closing?: NodeJS.Timeout;
}

/**
 * By source: the questions that wait in this process, limited for each account. The catalogue decides between
 * processes; waiting here first avoids polling it.
 */
const accountTurns = new Map<string, FairLimiter>();
/** The system's own questions, one a source at a time. */
const systemTurns = new FairLimiter({ runningOfCaller: 1 });
/** Open and unused. */
const kept = new Set<Connection>();

interface ConnectionRequest {
  source: string;
  /** Id of the account; null: the system itself. */
  accountId: string | null;
  /** How long it may wait for its turn. */
  waitMs: number;
  /** How long it may have the connection. */
  useMs: number;
}

/** The right to a connection. It has to be used exactly once. */
export interface ConnectionGrant {
  request: ConnectionRequest;
  connection: Connection;
  endTurn: () => void;
}

/**
 * Waits until the account may use a connection. Throws `source_unavailable` after `waitMs`, and the errors of the
 * catalogue.
 */
export async function acquireConnection(request: ConnectionRequest): Promise<ConnectionGrant> {
  const { source, accountId, waitMs } = request;
  const maxConnections = config().sources.get(source)?.maxQuestionConnections ?? 2;
  const [limiter, caller] = turnOf(source, accountId, maxConnections);
  const end = performance.now() + waitMs;
  const endTurn = await limiter.acquire(caller, waitMs);
  if (!endTurn) throw busy(source);
  try {
    return { request, endTurn, connection: await claimConnection(request, maxConnections, end) };
  } catch (error) {
    endTurn();
    throw error;
  }
}

/** Returns the limiter of an account or of the system, and its name in it. An account may use half of the connections. */
function turnOf(
  source: string,
  accountId: string | null,
  maxConnections: number,
): [FairLimiter, string] {
  if (accountId === null) return [systemTurns, source];
  const sourceTurns =
    accountTurns.get(source) ??
    new FairLimiter({ runningOfCaller: Math.floor(maxConnections / 2) });
  accountTurns.set(source, sourceTurns);
  return [sourceTurns, accountId];
}

/**
 * Runs `use` with the connection. `use` calls `giveUp` if a statement is still running, so that the connection is
 * closed afterwards. Throws the errors of connecting and of `use`.
 */
export async function useConnection<T>(
  { request, connection, endTurn }: ConnectionGrant,
  use: (client: pg.Client, giveUp: () => void) => Promise<T>,
): Promise<T> {
  const { client, socket, keptAt } = connection;
  let isKept = request.accountId !== null;
  let mayRun = false;
  const deadline = setTimeout(() => {
    mayRun = true;
    socket.destroy(new Error('Connection terminated: the time limit of questions has passed'));
  }, request.useMs);
  try {
    if (keptAt === null) await openSession(client);
    return await use(client, () => {
      isKept = false;
    });
  } catch (error) {
    // This client has disconnected, and the server may not have noticed it yet.
    mayRun ||= errorCode(error) === 'ABORT_ERR' || /timeout expired/.test(errorMessage(error));
    throw error;
  } finally {
    clearTimeout(deadline);
    if (mayRun || !isKept || !(await reset(connection))) await close(connection, mayRun);
    endTurn();
  }
}

/** Polls the catalogue until it grants a connection. Returns a kept one, or one that is not open yet. */
async function claimConnection(
  { source, accountId, useMs }: ConnectionRequest,
  maxConnections: number,
  end: number,
): Promise<Connection> {
  const seconds = (useMs + statementMs + graceMs) / 1_000;
  for (let retries = 0; ; retries++) {
    const keptConnection = accountId === null ? undefined : takeKept(source);
    const id = keptConnection?.id ?? randomUUID();
    let granted = false;
    try {
      const { rows } = await catalogue().query<{ granted: boolean }>(
        'select take_source_connection($1, $2, $3, $4, $5) as granted',
        [id, source, accountId, maxConnections, seconds],
      );
      granted = rows[0]?.granted === true;
    } finally {
      if (!granted && keptConnection) keep(keptConnection);
    }
    if (granted) return keptConnection ?? newConnection(id, source);
    const delayMs = backoffMs(retries, pollLimits);
    if (performance.now() + delayMs > end) throw busy(source);
    await sleep(delayMs);
  }
}

function newConnection(id: string, source: string): Connection {
  const socket = new Socket();
  const session = {
    name: 'streamsync:metadata',
    connectMs,
    statementMs,
    lockMs,
    idleInTransactionMs,
    idleSessionMs,
  };
  const client = newSession(source, session, socket);
  const connection = { id, source, client, socket, keptAt: null };
  // A statement in progress rejects with the error; this listener only keeps it from ending the process.
  client.on('error', () => kept.delete(connection));
  client.on('end', () => kept.delete(connection));
  return connection;
}

/** Resets the session and keeps the connection. Returns false if it cannot be kept. */
async function reset(connection: Connection): Promise<boolean> {
  const { client, id } = connection;
  const resetSession = async (): Promise<boolean> => {
    await client.query('rollback');
    await client.query('discard all');
    await client.query(withoutTransactionTimeout);
    const { rowCount } = await catalogue().query(
      `update source_connections set account_id = null, idle = true,
         held_until = clock_timestamp() + make_interval(secs => ${keptHoldSeconds}) where id = $1`,
      [id],
    );
    return rowCount === 1;
  };
  if (!(await withTimeout(resetSession(), graceMs).catch(() => false))) return false;
  connection.keptAt = Date.now();
  keep(connection);
  return true;
}

/** Keeps an unused connection until its time is over. */
function keep(connection: Connection): void {
  kept.add(connection);
  const msLeft = (connection.keptAt ?? 0) + keepMs - Date.now();
  connection.closing = setTimeout(
    () => {
      if (kept.delete(connection)) void close(connection, false);
    },
    Math.max(0, msLeft),
  );
}

/** Returns a kept connection that is still open: if this process was suspended, the server may have closed it. */
function takeKept(source: string): Connection | undefined {
  const connection = [...kept].findLast((it) => it.source === source);
  if (!connection) return undefined;
  kept.delete(connection);
  clearTimeout(connection.closing);
  if (Date.now() - (connection.keptAt ?? 0) <= keepMs) return connection;
  void close(connection, false);
  return undefined;
}

/** Closes a connection. If a statement may still run, its row stays and counts until it expires. */
async function close({ client, socket, id }: Connection, mayRun: boolean): Promise<void> {
  const gone = await settledWithin(client.end(), graceMs);
  socket.destroy();
  if (mayRun || !gone) return;
  try {
    await catalogue().query('delete from source_connections where id = $1', [id]);
  } catch (error) {
    logger.warn('connection not released; it counts until its row expires', {
      reason: errorMessage(error),
    });
  }
}

const busy = (source: string): AppError =>
  new AppError(
    'source_unavailable',
    `Source ${source} is answering as many questions as it may at a time, from your account or in total. Nothing was created; try again in a few seconds.`,
  );
