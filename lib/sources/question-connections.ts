import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { catalogue, locks, transaction } from '../runtime/catalogue.ts';
import { config } from '../runtime/config.ts';
import { messageOf, Refusal } from '../runtime/errors.ts';
import { logger } from '../runtime/logger.ts';
import { Turns } from './turns.ts';

/**
 * The right to one connection to a source, of the `maxQuestionConnections` that all processes together may
 * have for questions. It is given back, or ends by itself when a process has died with it.
 *
 * An account may have another one as long as more are free than it has already: alone it has half of them,
 * and whoever has none finds one, however slow the questions of the others are. One more is kept for the
 * system itself, which has to end the backends of lost attempts.
 *
 * $1 id, $2 source, $3 account or null, $4 the most, $5 seconds
 */
const take = `
  with gone as (
    delete from source_connections where source = $2 and held_until < clock_timestamp()
  ), held as (
    select count(account_id)::int as taken, count(*) filter (where account_id = $3)::int as own,
      count(*) filter (where account_id is null)::int as system
    from source_connections where source = $2 and held_until >= clock_timestamp()
  )
  insert into source_connections (id, source, account_id, held_until)
  select $1, $2, $3, clock_timestamp() + make_interval(secs => $5) from held
  where case when $3::uuid is null then system < 1 else own < $4 - taken end`;

const firstWaitMilliseconds = 20;
const longestWaitMilliseconds = 400;

/** By source and account: those that wait in this process. */
const turns = new Map<string, Turns>();

interface Wanted {
  source: string;
  /** Id of the account that asks; null: the system itself. */
  accountId: string | null;
  /** How long it may wait for its turn. */
  waitMilliseconds: number;
  /** By when what it is for has ended, whatever becomes of us. */
  holdMilliseconds: number;
}

/**
 * Waits until there is a connection for the account, and runs `work` while it is held. What `work` leaves to
 * the server to end counts until that has happened. Throws `source_unavailable` if there is none within that
 * time.
 */
export async function holdingConnection<T>(
  { source, accountId, waitMilliseconds, holdMilliseconds }: Wanted,
  work: (leave: () => void) => Promise<T>,
): Promise<T> {
  const most = config().sources.get(source)?.maxQuestionConnections ?? 1;
  const key = `${source} ${accountId}`;
  const turn = turns.get(key) ?? new Turns(accountId === null ? 1 : Math.floor(most / 2));
  turns.set(key, turn);
  const end = performance.now() + waitMilliseconds;
  if (!(await turn.take(waitMilliseconds))) throw busy(source);
  try {
    const id = randomUUID();
    let wait = firstWaitMilliseconds;
    while (!(await taken([id, source, accountId, most, holdMilliseconds / 1_000]))) {
      if (performance.now() + wait > end) throw busy(source);
      await setTimeout(wait * (0.5 + Math.random()));
      wait = Math.min(longestWaitMilliseconds, 2 * wait);
    }
    let left = false;
    try {
      return await work(() => {
        left = true;
      });
    } finally {
      if (!left) await giveBack(id);
    }
  } finally {
    turn.end();
    if (turn.idle) turns.delete(key);
  }
}

type Values = [id: string, source: string, account: string | null, most: number, seconds: number];

const taken = (values: Values): Promise<boolean> =>
  transaction(async (client) => {
    const [, source] = values;
    // What is counted must not change before it is written.
    await client.query('select pg_advisory_xact_lock($1, hashtext($2))', [locks.questions, source]);
    const { rowCount } = await client.query(take, values);
    return rowCount === 1;
  });

async function giveBack(id: string): Promise<void> {
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
