import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { LiveMessage } from '../../lib/contracts/live.ts';
import { type Batch, storeBatch, storeRest } from '../../lib/live/batches.ts';
import { encodeCursor, type Position } from '../../lib/live/cursor.ts';
import { itemJson } from '../../lib/live/entries.ts';
import { maintainLive } from '../../lib/live/maintain.ts';
import { asSender, send } from '../../lib/live/sender.ts';
import { subscribe } from '../../lib/live/subscribe.ts';
import { advisoryLocks, catalogue } from '../../lib/runtime/catalogue.ts';
import { FakeGateway } from '../support/fake-gateway.ts';
import { OwnCatalogue } from '../support/own-catalogue.ts';
import { sql } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

/** Tests the sender on a catalogue of its own, with a gateway that keeps the messages. */
let own: OwnCatalogue;
let gateway: FakeGateway;
const account = randomUUID();

beforeAll(async () => {
  gateway = await FakeGateway.start();
  own = await OwnCatalogue.create({
    STREAMSYNC_LIVE_ENDPOINT: gateway.url,
    STREAMSYNC_SOURCES: JSON.stringify({ iot: { url: 'SOURCE' } }),
    STREAMSYNC_READINGS: JSON.stringify({ source: 'iot', url: 'SOURCE' }),
  });
});
afterAll(async () => {
  gateway.stop();
  await own.drop();
});
beforeEach(async () => {
  offset = 0;
  await run(
    `insert into accounts (id, email, password_hash, role) values ($1, 'a@tests.example', '', 'analyst')`,
    [account],
  );
  await run(`insert into grants (account_id, source) values ($1, 'iot')`, [account]);
});
afterEach(() =>
  run(
    `delete from accounts; delete from live_batches; delete from live_positions;
     update live_sender set round = 0, confirmed_round = 0, round_at = now() - interval '1 minute'`,
  ),
);

const run = <Row extends object>(text: string, values: unknown[] = []) =>
  sql<Row & Record<string, unknown>>(own.url, text, values);

let offset = 0;

/** Returns the next batch of a partition, with a record for each value. */
function batchOf(series: string, values: readonly number[], partition = 0): Batch {
  const firstOffset = offset;
  offset += values.length;
  return {
    topic: 'readings',
    partition,
    epoch: 1,
    firstOffset,
    nextOffset: offset,
    entries: values.map((value, n) => ({
      topic: 'readings',
      partition,
      epoch: 1,
      offset: firstOffset + n,
      series,
      json: itemJson({ series, atMicros: value * 1e6, value }),
    })),
  };
}
const store = async (series: string, ...values: number[]): Promise<void> => {
  expect(await storeBatch(batchOf(series, values))).toBe(true);
};

const cursorAt = (nextOffset: number): string => {
  const position: Position = new Map([
    ['readings', { epoch: 1, nextOffsets: new Map([[0, nextOffset]]) }],
  ]);
  return encodeCursor(position);
};

/** A connection that is live since a cursor. */
async function connect(series: readonly string[], next = cursorAt(0)): Promise<string> {
  const id = `${randomUUID().slice(0, 8)}=`;
  await run('insert into live_connections (id, account_id, next_cursor) values ($1, $2, $3)', [
    id,
    account,
    next,
  ]);
  await run('insert into live_subscriptions (connection_id, series) values ($1, $2)', [id, series]);
  return id;
}

const messagesOf = (id: string): LiveMessage[] => gateway.connection(id).messages;
const valuesOf = (id: string): number[] =>
  messagesOf(id).flatMap((message) =>
    message.type === 'readings' ? message.items.map(([, , value]) => value) : [],
  );
const linksOf = (id: string) =>
  messagesOf(id).map((message) =>
    message.type === 'readings' ? [message.prev, message.next] : message.type,
  );
const rowOf = async (id: string) =>
  (
    await run<{ next_cursor: string; failures: number; retry_at: Date | null }>(
      'select next_cursor, failures, retry_at from live_connections where id = $1',
      [id],
    )
  )[0];

describe('a round', () => {
  test('merges the batches of all partitions into one message for each connection', async () => {
    const [one, two, none] = [
      await connect(['a', 'b']),
      await connect(['b', 'x']),
      await connect(['y']),
    ];
    await store('a', 1, 2);
    await store('b', 3);
    await store('a', 4);
    await send();
    expect(valuesOf(one)).toEqual([1, 2, 3, 4]);
    expect(valuesOf(two)).toEqual([3]);
    expect(linksOf(one)).toEqual([[cursorAt(0), cursorAt(4)]]);
    expect(linksOf(none)).toEqual([]);
    await store('b', 5);
    await send();
    expect(linksOf(two)).toEqual([
      [cursorAt(0), cursorAt(4)],
      [cursorAt(4), cursorAt(5)],
    ]);
  });

  test('sends what is delivered again only once, and what is new in it', async () => {
    const id = await connect(['a']);
    const batch = batchOf('a', [1, 2, 3]);
    await storeBatch({ ...batch, nextOffset: 2, entries: batch.entries.slice(0, 2) });
    await send();
    expect(await storeBatch(batch)).toBe(false);
    await storeRest(batch);
    await storeRest(batch);
    await send();
    expect(valuesOf(id)).toEqual([1, 2, 3]);
  });

  test('goes on with a topic that was created again', async () => {
    const id = await connect(['a']);
    await store('a', 1, 2, 3);
    await send();
    offset = 0;
    const again = batchOf('a', [4]);
    await storeRest({
      ...again,
      epoch: 2,
      entries: again.entries.map((entry) => ({ ...entry, epoch: 2 })),
    });
    await send();
    expect(valuesOf(id)).toEqual([1, 2, 3, 4]);
  });

  test('sends a long message in parts, each of which can be continued', async () => {
    const id = await connect(['a']);
    const values = Array.from({ length: 2_000 }, (_, n) => n);
    await store('a', ...values);
    await send();
    expect(valuesOf(id)).toEqual(values);
    const messages = messagesOf(id).filter((message) => message.type === 'readings');
    expect(messages.length).toBeGreaterThan(1);
    let count = 0;
    for (const { prev, next, items } of messages) {
      expect(prev).toBe(cursorAt(count));
      count += items.length;
      expect(next).toBe(cursorAt(count));
    }
  });

  test('is left to the holder of the lock, who looks for it when the lock is free', async () => {
    const id = await connect(['a']);
    let late: Promise<unknown> = Promise.resolve();
    await asSender(async () => {
      // Another process would find the lock taken. In this process the holder is known.
      await store('a', 1);
      late = send();
      await late;
      expect(valuesOf(id)).toEqual([]);
    });
    expect(valuesOf(id)).toEqual([1]);
  });

  test('waits for no lock', async () => {
    const id = await connect(['a']);
    const other = await catalogue().connect();
    await other.query('select pg_advisory_lock($1)', [advisoryLocks.live]);
    await store('a', 1);
    await send();
    expect(valuesOf(id)).toEqual([]);
    await other.query('select pg_advisory_unlock($1)', [advisoryLocks.live]);
    other.release();
    await maintainLive();
    expect(valuesOf(id)).toEqual([1]);
  });
});

describe('a connection', () => {
  test('that is slow delays no other, and gets one message at a time, with all readings', async () => {
    const [slow, quick] = [await connect(['a']), await connect(['a'])];
    gateway.connection(slow).behaviour = 'slow';
    await store('a', 1);
    const sending = send();
    await waitFor('the first message', async () => valuesOf(quick).length > 0 || undefined);
    await store('a', 2);
    await waitFor('the second message', async () => valuesOf(quick).length > 1 || undefined, {
      everyMs: 5,
    });
    expect(valuesOf(slow)).toEqual([]);
    await sending;
    expect(valuesOf(slow)).toEqual([1, 2]);
    expect(gateway.connection(slow).maxCalls).toBe(1);
    expect(linksOf(slow)).toEqual(linksOf(quick));
  });

  test.each(['hangs', 429, 500] as const)(
    'that answers %s gets the latest values and resync-required when it takes messages again',
    async (behaviour) => {
      const [lagging, other] = [await connect(['a', 'b']), await connect(['a'])];
      gateway.connection(lagging).behaviour = behaviour;
      await store('a', 1);
      await send();
      await store('a', 2, 3);
      await store('b', 7, 6);
      await send();
      expect(valuesOf(other)).toEqual([1, 2, 3]);
      expect((await rowOf(lagging))?.failures).toBeGreaterThan(0);

      gateway.connection(lagging).behaviour = 'takes';
      await run('update live_connections set retry_at = now() where id = $1', [lagging]);
      await maintainLive();
      expect(messagesOf(lagging)).toEqual([
        { type: 'resync-required', reason: 'slow', next: cursorAt(5) },
        {
          type: 'readings',
          prev: cursorAt(5),
          next: cursorAt(5),
          items: [
            ['a', '1970-01-01T00:00:03Z', 3],
            ['b', '1970-01-01T00:00:07Z', 7],
          ],
        },
      ]);
      await store('a', 4);
      await send();
      expect(linksOf(lagging).at(-1)).toEqual([cursorAt(5), cursorAt(6)]);
      expect(await rowOf(lagging)).toMatchObject({ failures: 0, retry_at: null });
    },
  );

  test('whose call the gateway breaks off gets its message by another call', async () => {
    const id = await connect(['a']);
    gateway.connection(id).behaviour = 'resets once';
    await store('a', 1);
    await send();
    expect(valuesOf(id)).toEqual([1]);
    expect(await rowOf(id)).toMatchObject({ failures: 0 });
  });

  test('that is slow for too long is closed', async () => {
    const id = await connect(['a']);
    await run('update live_connections set failures = 10, retry_at = now() where id = $1', [id]);
    await maintainLive();
    expect(gateway.connection(id).isClosed).toBe(true);
    expect(await rowOf(id)).toBeUndefined();
  });

  test('that is gone is forgotten', async () => {
    const id = await connect(['a']);
    gateway.connection(id).behaviour = 410;
    await store('a', 1);
    await send();
    expect(await rowOf(id)).toBeUndefined();
    expect(await run('select from live_subscriptions where connection_id = $1', [id])).toEqual([]);
  });

  test('whose last message may be lost, because its sender was killed, can tell', async () => {
    const id = await connect(['a'], cursorAt(3));
    const other = await connect(['a'], cursorAt(3));
    await run('update live_connections set sent_round = 8 where id = $1', [id]);
    await run('update live_connections set sent_round = 7 where id = $1', [other]);
    await run('update live_sender set round = 8, confirmed_round = 7');
    await maintainLive();
    expect(linksOf(id)).toEqual([[cursorAt(3), cursorAt(3)]]);
    expect(linksOf(other)).toEqual([]);
    await maintainLive();
    expect(linksOf(id)).toHaveLength(1);
  });

  test('whose replay was killed has a gap, and subscribes again', async () => {
    await store('b', 1, 2);
    const id = await connect(['a'], cursorAt(1));
    await run(
      `update live_connections set replay_id = gen_random_uuid(), replay_until = now() where id = $1`,
      [id],
    );
    await setTimeout(5);
    await maintainLive();
    expect(linksOf(id)).toEqual([[cursorAt(2), cursorAt(2)]]);
  });

  test('that is being replayed gets nothing from the sender', async () => {
    const id = await connect(['a']);
    await run(
      `update live_connections
       set replay_id = gen_random_uuid(), replay_until = now() + interval '1 minute' where id = $1`,
      [id],
    );
    await store('a', 1);
    await send();
    expect(messagesOf(id)).toEqual([]);
  });
});

describe('subscribe', () => {
  const connectionOf = (id: string) => ({
    id,
    accountId: account,
    isAllowed: true,
    mayReadReadings: true,
  });

  test('is answered by resync-required if there is too much after the cursor', async () => {
    const id = await connect(['a']);
    await run(`insert into live_positions values ('readings', 0, 1, 2000001, 1, 2000001)`);
    await subscribe(connectionOf(id), { action: 'subscribe', series: ['a'], from: cursorAt(0) });
    expect(messagesOf(id)).toEqual([
      { type: 'resync-required', reason: 'too_old', next: cursorAt(2_000_001) },
      expect.objectContaining({ prev: cursorAt(2_000_001), next: cursorAt(2_000_001), items: [] }),
    ]);
  });

  test('waits for the fan-out if its cursor, as that of an export, is ahead of it', async () => {
    const id = await connect(['a']);
    await store('a', 1);
    await send();
    const subscribed = subscribe(connectionOf(id), {
      action: 'subscribe',
      series: ['b'],
      from: cursorAt(3),
    });
    await setTimeout(50);
    await store('b', 1, 2, 3);
    await store('a', 4);
    await send();
    await subscribed;
    await store('b', 5);
    await send();
    expect(valuesOf(id)).toEqual([1, 4, 3, 5]);
    const links = linksOf(id);
    expect(links.slice(1).map(([prev]) => prev)).toEqual(
      links.slice(0, -1).map(([, next]) => next),
    );
  });

  test('from a position within the kept batches needs no store', async () => {
    const id = await connect(['a']);
    await store('a', 1, 2, 3);
    await send();
    await subscribe(connectionOf(id), { action: 'subscribe', series: ['a'], from: cursorAt(1) });
    expect(valuesOf(id)).toEqual([1, 2, 3, 2, 3]);
    expect(linksOf(id).at(-1)).toEqual([cursorAt(1), cursorAt(3)]);
  });
});

test('maintainLive deletes what was sent a minute ago, and what cannot be open', async () => {
  const [open, silent, old] = [await connect(['a']), await connect(['z']), await connect(['z'])];
  await run(`update live_connections set seen_at = now() - interval '12 minutes' where id = $1`, [
    silent,
  ]);
  await run(
    `update live_connections set connected_at = now() - interval '122 minutes' where id = $1`,
    [old],
  );
  await store('a', 1);
  await send();
  await store('a', 2);
  await run(`update live_batches set stored_at = now() - interval '2 minutes'`);
  await run(
    `insert into live_tickets (secret_hash, account_id, expires_at) values ('x', $1, now() - interval '1 s')`,
    [account],
  );
  await maintainLive();
  expect(await rowOf(open)).toBeDefined();
  expect([await rowOf(silent), await rowOf(old)]).toEqual([undefined, undefined]);
  expect(await run('select from live_tickets')).toEqual([]);
  // The second batch was not sent before.
  expect(await run('select next_offset from live_batches')).toEqual([{ next_offset: '2' }]);
  expect(valuesOf(open)).toEqual([1, 2]);
});
