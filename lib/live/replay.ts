import type { ResyncReason } from '../contracts/live.ts';
import { mayReadAll } from '../readings/readings-source.ts';
import { catalogue, type Queryable } from '../runtime/catalogue.ts';
import { config } from '../runtime/config.ts';
import { errorMessage } from '../runtime/errors.ts';
import { logger } from '../runtime/logger.ts';
import { sleep } from '../runtime/retry.ts';
import { askedBy } from '../sources/question.ts';
import { readBetween } from './batches.ts';
import { findConnection } from './connections.ts';
import { encodeCursor, type Position } from './cursor.ts';
import { deliver, type Recipient } from './deliver.ts';
import type { Gateway } from './gateway.ts';
import { emptyMessage, readingsMessages, resyncMessage } from './messages.ts';
import { offsetsBetween, reaches } from './position.ts';
import { asSender } from './sender.ts';
import { readStored } from './stored-readings.ts';
import { sentPosition, type Tenure } from './tenure.ts';

/** Brings a connection from an earlier position to that of the sender. Meanwhile the sender sends nothing to it. */
export interface Replay {
  /** A later replay of the connection has another one. */
  id: string;
  recipient: Recipient;
  accountId: string;
  /** What the connection is subscribed to. */
  series: ReadonlySet<string>;
  /** Up to here the connection has got all readings of its series. */
  position: Position;
  /** `next` of its last message with readings. */
  prev: string;
  /**
   * Series that join a chain: they are sent from where they start up to `position`, in messages that leave the chain
   * where it is.
   */
  joining?: { series: ReadonlySet<string>; from: Position; to: Position };
  /** Whether the connection may start where the sender is, if what is before that cannot be had. */
  mayStartNow: boolean;
}

/** Maximum offsets that are sent while the lock is held. */
const maxOffsetsWithLock = 20_000;
/** One invocation replays for so long; the client then subscribes again from where it is. */
const replayMs = 15_000;
/** How long ingest, or the fan-out, may take to reach a cursor. */
const stallMs = 10_000;
const pollMs = 200;
/** A replay that is not kept for this time is lost with its process. */
const leaseSeconds = 40;

/** SQL that starts the lease of a replay. */
export const replayLease = `now() + interval '${leaseSeconds} seconds'`;

/** Replays what is stored, then what the sender has sent meanwhile. Then the sender goes on. */
export async function runReplay(replay: Replay, gateway: Gateway): Promise<void> {
  const deadline = performance.now() + replayMs;
  let stalledAt = performance.now() + stallMs;
  for (;;) {
    if (!(await keep(replay)) || !(await isPermitted(replay))) return;
    const sent = await sentPosition(catalogue());
    const step = await sendPage(replay, sent, gateway).catch((error: unknown) => {
      logger.warn('live replay: the store does not answer', { reason: errorMessage(error) });
      return 'nothing' as const;
    });
    if (step === 'failed') return;
    if (step === 'sent') stalledAt = performance.now() + stallMs;
    if (await asSender((tenure) => finish(tenure, replay), gateway)) return;
    if (performance.now() > stalledAt) return giveUp(replay, 'ingest_delayed', gateway);
    if (performance.now() > deadline)
      return replay.joining ? giveUp(replay, 'too_old', gateway) : breakOff(replay, gateway);
    if (step === 'nothing') await sleep(pollMs);
  }
}

/** Extends the lease. Returns false if the connection is closed, or has another replay. */
async function keep({ id, recipient }: Replay): Promise<boolean> {
  const { rowCount } = await catalogue().query(
    `update live_connections set replay_until = ${replayLease}, seen_at = now()
     where id = $1 and replay_id = $2`,
    [recipient.id, id],
  );
  return rowCount === 1;
}

/** Returns whether its account may still read all that it is subscribed to. If not, the sender ends the subscription. */
async function isPermitted({ recipient, series }: Replay): Promise<boolean> {
  const connection = await findConnection(recipient.id, config().readings?.source);
  if (!connection?.isAllowed || !connection.mayReadReadings) return false;
  const { readableSeries: readable } = connection;
  return readable === undefined || mayReadAll(readable, series);
}

/** Sends the next page of what is stored. */
async function sendPage(
  replay: Replay,
  sent: Position,
  gateway: Gateway,
): Promise<'sent' | 'nothing' | 'failed'> {
  const { joining, accountId, recipient, prev } = replay;
  const from = joining?.from ?? replay.position;
  const { entries, reached } = await readStored(
    from,
    joining?.to ?? sent,
    joining?.series ?? replay.series,
    askedBy({ id: accountId }),
  );
  if (reaches(from, reached)) return 'nothing';
  const end = joining ? prev : encodeCursor(reached);
  if (entries.length > 0) {
    const texts = readingsMessages(entries, {
      prev,
      start: from,
      end,
      ...(joining && { cursorOf: () => prev }),
    });
    if (!(await deliver(gateway, recipient, texts))) return 'failed';
    replay.prev = end;
  }
  if (joining) joining.from = reached;
  else replay.position = reached;
  return 'sent';
}

/**
 * Sends the last step from the kept batches, and lets the sender go on. Returns false if it is too long, or if what is
 * needed is not kept.
 */
export async function finish(tenure: Tenure, replay: Replay): Promise<boolean> {
  const now = tenure.sent.snapshot();
  if (!(await reachJoining(tenure, replay, now))) return false;
  const { joining, position, prev, series, recipient } = replay;
  const texts: string[] = [];
  if (joining) {
    const entries = await kept(tenure, joining.from, joining.to, joining.series);
    if (entries) {
      if (entries.length > 0)
        texts.push(
          ...readingsMessages(entries, {
            prev,
            start: joining.from,
            end: prev,
            cursorOf: () => prev,
          }),
        );
    } else if (!replay.mayStartNow) return false;
  }
  const entries =
    (await kept(tenure, position, now, series)) ?? (replay.mayStartNow ? [] : undefined);
  if (!entries) return false;
  const next = encodeCursor(now);
  texts.push(...readingsMessages(entries, { prev, start: position, end: next }));
  if (await deliver(tenure.gateway, recipient, texts)) await goLive(tenure.client, replay, next);
  return true;
}

/**
 * Brings the chain to where the joining series start, if that is after its position: ingest may be ahead of the
 * fan-out. Returns false if the sender is not there yet.
 */
async function reachJoining(tenure: Tenure, replay: Replay, now: Position): Promise<boolean> {
  const { joining, position, prev, recipient } = replay;
  if (!joining || reaches(joining.to, joining.from)) return true;
  if (!reaches(now, joining.from)) return false;
  const others = new Set([...replay.series].filter((name) => !joining.series.has(name)));
  const entries = await kept(tenure, position, now, others);
  if (!entries) return false;
  const next = encodeCursor(now);
  const texts = readingsMessages(entries, { prev, start: position, end: next });
  // If it fails, the connection is gone, or waits for its next try: the replay ends at its next step.
  if (await deliver(tenure.gateway, recipient, texts)) {
    replay.prev = next;
    replay.position = now;
    joining.to = now;
  }
  return reaches(joining.to, joining.from);
}

async function kept({ client }: Tenure, from: Position, to: Position, series: ReadonlySet<string>) {
  if (!reaches(to, from) || offsetsBetween(from, to) > maxOffsetsWithLock) return undefined;
  return readBetween(client, from, to, series);
}

/** Lets the sender go on after a cursor. A replay that was replaced changes nothing. */
async function goLive(client: Queryable, { id, recipient }: Replay, next: string): Promise<void> {
  await client.query(
    `update live_connections
     set next_cursor = $3, replay_id = null, replay_until = null, failures = 0, retry_at = null
     where id = $1 and replay_id = $2`,
    [recipient.id, id, next],
  );
}

/** Tells the client that it has to read what it misses, and lets the sender go on. */
export async function refuse(tenure: Tenure, replay: Replay, reason: ResyncReason): Promise<void> {
  const next = encodeCursor(tenure.sent.snapshot());
  const texts = [resyncMessage(reason, next), emptyMessage(next)];
  if (await deliver(tenure.gateway, replay.recipient, texts))
    await goLive(tenure.client, replay, next);
}

const giveUp = (replay: Replay, reason: ResyncReason, gateway: Gateway): Promise<void> =>
  asSender((tenure) => refuse(tenure, replay, reason), gateway);

/** Ends a replay that takes long: the client sees a gap, and subscribes again from the last cursor that it got. */
const breakOff = (replay: Replay, gateway: Gateway): Promise<void> =>
  asSender(async (tenure) => {
    const next = encodeCursor(tenure.sent.snapshot());
    if (await deliver(gateway, replay.recipient, [emptyMessage(next)]))
      await goLive(tenure.client, replay, next);
  }, gateway);
