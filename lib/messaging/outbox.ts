import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { locks, type Queryable, transaction, tryLock } from '../runtime/catalogue.ts';
import { messageOf } from '../runtime/errors.ts';
import { logger } from '../runtime/logger.ts';
import { type OutgoingMessage, send } from './kafka.ts';

/**
 * The outbox: a state change and the message about it commit in one transaction; the relay sends what
 * was committed, in the order of the ids, at least once. Consumers tell a repeat by the event id.
 */
interface Enqueued {
  topic: string;
  key: string | Buffer | null;
  value: Buffer | null;
  partition?: number;
  headers?: { key: string; value: Buffer }[];
  eventId?: string;
  dispatchId?: string;
}

/** Writes a message into the outbox, in the caller's transaction. */
export async function enqueue(client: Queryable, message: Enqueued): Promise<void> {
  const headers = (message.headers ?? []).map(({ key, value }) => ({
    key,
    value: value.toString('base64'),
  }));
  await client.query(
    `insert into outbox (event_id, topic, partition, key, value, headers, dispatch_id)
     values ($1, $2, $3, $4, $5, $6, $7)`,
    [
      message.eventId ?? randomUUID(),
      message.topic,
      message.partition ?? null,
      message.key === null ? null : Buffer.from(message.key),
      message.value,
      JSON.stringify(headers),
      message.dispatchId ?? null,
    ],
  );
}

interface Row {
  id: number;
  topic: string;
  partition: number | null;
  key: Buffer | null;
  value: Buffer | null;
  headers: { key: string; value: string }[];
}

const toMessage = (row: Row): OutgoingMessage => ({
  ...row,
  headers: row.headers.map(({ key, value }) => ({ key, value: Buffer.from(value, 'base64') })),
});

const batchSize = 500;

/**
 * One pass of the relay: sends what is unsent, oldest first. Returns how many were sent, or 'busy' if
 * another relay is at it. Throws if Kafka does not take them; they stay unsent.
 */
async function relayOnce(): Promise<number | 'busy'> {
  return transaction(async (client) => {
    if (!(await tryLock(client, locks.relay))) return 'busy';
    // Not by a watermark: a transaction with a lower id may commit later. Not SKIP LOCKED: order.
    const { rows } = await client.query<Row>(
      `select id, topic, partition, key, value, headers from outbox
       where sent_at is null order by id limit ${batchSize}`,
    );
    if (rows.length === 0) return 0;
    await send(rows.map(toMessage));
    await client.query('update outbox set sent_at = now() where id = any($1::bigint[])', [
      rows.map((row) => row.id),
    ]);
    return rows.length;
  });
}

/**
 * Relays until nothing is left. Never throws: what could not be sent now, the sweep sends. A relay
 * that is at it may have read the outbox before our row was in it, so we look again for a second.
 */
export async function relay(): Promise<void> {
  try {
    for (let looks = 0; looks < 20; looks++) {
      const sent = await relayOnce();
      if (sent === 'busy') await setTimeout(50);
      else if (sent < batchSize) return;
    }
  } catch (error) {
    logger.warn('relay: messages stay in the outbox', { reason: messageOf(error) });
  }
}

/** Relays, and waits for it at most `milliseconds`; what is under way then goes on behind. */
export async function relayWithin(milliseconds: number): Promise<void> {
  const patience = new AbortController();
  const waited = setTimeout(milliseconds, undefined, { signal: patience.signal }).catch(
    () => undefined,
  );
  await Promise.race([relay(), waited]);
  patience.abort();
}
