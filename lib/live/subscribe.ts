import { randomUUID } from 'node:crypto';
import { type LiveRequest, liveLimits, type ResyncReason } from '../contracts/live.ts';
import { catalogue } from '../runtime/catalogue.ts';
import { config } from '../runtime/config.ts';
import { AppError, errorMessage, invalidFields } from '../runtime/errors.ts';
import { logger } from '../runtime/logger.ts';
import { sleep } from '../runtime/retry.ts';
import { askedBy } from '../sources/question.ts';
import type { Connection } from './connections.ts';
import { decodeCursor, encodeCursor, type Position } from './cursor.ts';
import { gateway as apiGateway, type Gateway } from './gateway.ts';
import { earlierOf, isRecreated, offsetsBetween } from './position.ts';
import { finish, type Replay, refuse, replayLease, runReplay } from './replay.ts';
import { asSender } from './sender.ts';
import { storedPosition } from './stored-readings.ts';
import type { Tenure } from './tenure.ts';

type Subscribe = Extract<LiveRequest, { action: 'subscribe' }>;
type Unsubscribe = Extract<LiveRequest, { action: 'unsubscribe' }>;

/** More offsets than this are not sent again: an export, or a query, brings them faster. */
const maxReplayOffsets = 2_000_000;
/** How long the first step of a subscription may ask the source. */
const askMs = 2_000;
/** How long a subscription waits until an earlier one of its connection is answered. */
const waitMs = 8_000;
const pollMs = 200;

/**
 * Subscribes a connection to series, from a cursor or from now. It is answered by messages with readings, at least one:
 * live readings follow the `next` of the last of them. Where readings cannot be sent again, it is answered by
 * `resync-required`, and live readings follow that. Throws `forbidden`, `invalid_request` and `too_many_requests`.
 */
export async function subscribe(
  connection: Connection,
  request: Subscribe,
  gateway: Gateway = apiGateway,
): Promise<void> {
  const { readings } = config();
  if (!readings) throw new AppError('invalid_request', 'This deployment has no readings.');
  if (!connection.mayReadReadings)
    throw new AppError('forbidden', `You have no right to read ${readings.source}.`);
  const hidden = request.series.find((name) => connection.readableSeries?.has(name) === false);
  if (hidden !== undefined)
    throw new AppError('forbidden', `You have no right to read the series ${hidden}.`);
  const start =
    request.from === undefined
      ? // A history that is read after the answer, and the messages, have every reading between them.
        { stored: await storedNow(readings.source, connection) }
      : startOf(request.from);
  const until = performance.now() + waitMs;
  for (;;) {
    const replay = await asSender((tenure) => begin(tenure, connection, request, start), gateway);
    if (replay !== 'busy') return replay && runReplay(replay, gateway);
    if (performance.now() > until)
      throw new AppError(
        'too_many_requests',
        'An earlier subscription of this connection is still being answered. Wait for its answer.',
      );
    await sleep(pollMs);
  }
}

/** Where a subscription starts: at a cursor, or at what is stored, if that is known. */
type Start = { cursor: Position | undefined } | { stored: Position | undefined };

function startOf(cursor: string): Start {
  try {
    return { cursor: decodeCursor(cursor) };
  } catch (error) {
    if (error instanceof AppError) return { cursor: undefined };
    throw error;
  }
}

async function storedNow(source: string, { accountId }: Connection): Promise<Position | undefined> {
  try {
    return await storedPosition(source, askedBy({ id: accountId }, askMs));
  } catch (error) {
    logger.warn('subscription starts where the sender is: the store does not answer', {
      reason: errorMessage(error),
    });
    return undefined;
  }
}

interface Row {
  next_cursor: string | null;
  failures: number;
  waits: boolean;
  is_replayed: boolean;
  series: string[];
}

/**
 * Records a subscription, and answers it if that is quick. Returns the replay that remains to be run, undefined if it is
 * answered, and `busy` if an earlier subscription has to be answered first.
 */
async function begin(
  tenure: Tenure,
  { id, accountId }: Connection,
  request: Subscribe,
  start: Start,
): Promise<Replay | 'busy' | undefined> {
  const { rows } = await tenure.client.query<Row>(
    `select c.next_cursor, c.failures, c.retry_at is not null as waits,
       coalesce(c.replay_until > now(), false) as is_replayed, coalesce(s.series, '{}') as series
     from live_connections c left join live_subscriptions s on s.connection_id = c.id
     where c.id = $1`,
    [id],
  );
  const [row] = rows;
  if (!row) return undefined;
  const requested = new Set(request.series);
  const series = new Set([...row.series, ...requested]);
  requireFew(series.size);
  const isCursor = 'cursor' in start;
  // A client with a gap subscribes again to all that it has: its chain starts again at the cursor.
  const restarts = row.next_cursor === null || (isCursor && series.size === requested.size);
  if (row.is_replayed && !restarts) return 'busy';

  const now = tenure.sent.snapshot();
  const from = isCursor ? start.cursor : earlierOf(start.stored ?? now, now);
  const replay: Replay = {
    id: randomUUID(),
    recipient: { id, failures: row.failures },
    accountId,
    series,
    position: (restarts && from) || now,
    prev: restarts ? (request.from ?? encodeCursor(from ?? now)) : (row.next_cursor ?? ''),
    mayStartNow: !isCursor,
    ...(restarts || !from
      ? {}
      : {
          joining: {
            series: isCursor
              ? requested
              : new Set(request.series.filter((name) => !row.series.includes(name))),
            from,
            to: now,
          },
        }),
  };
  await store(replay);
  const reason = row.waits && !restarts ? 'slow' : refusalOf(from, now);
  if (reason) await refuse(tenure, replay, reason);
  else if (!(await finish(tenure, replay))) return replay;
  return undefined;
}

function requireFew(count: number): void {
  if (count <= liveLimits.series) return;
  throw invalidFields([
    {
      field: 'series',
      message: `would make ${count} subscriptions of this connection; the limit is ${liveLimits.series}`,
    },
  ]);
}

function refusalOf(from: Position | undefined, now: Position): ResyncReason | undefined {
  if (!from) return 'invalid_cursor';
  if (isRecreated(from, now)) return 'topic_recreated';
  return offsetsBetween(from, now) > maxReplayOffsets ? 'too_old' : undefined;
}

/** On a session that waits for the disk: the client does not notice that a subscription was forgotten. */
async function store({ id, recipient, series }: Replay): Promise<void> {
  await catalogue().query(
    `with replayed as (
       update live_connections set replay_id = $2, replay_until = ${replayLease} where id = $1
       returning id)
     insert into live_subscriptions (connection_id, series) select id, $3 from replayed
     on conflict (connection_id) do update
       set series = excluded.series, version = nextval('live_subscription_versions')`,
    [recipient.id, id, [...series]],
  );
}

/** Ends subscriptions. A message that is being sent may still bring readings of them. */
export async function unsubscribe({ id }: Connection, { series }: Unsubscribe): Promise<void> {
  await catalogue().query(
    `update live_subscriptions s
     set version = nextval('live_subscription_versions'),
       series = array(select name from unnest(s.series) name where name <> all($2))
     where s.connection_id = $1`,
    [id, series],
  );
  await catalogue().query(
    `delete from live_subscriptions s where s.connection_id = $1 and s.series = '{}'`,
    [id],
  );
}
