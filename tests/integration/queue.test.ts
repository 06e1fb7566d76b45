import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type Account, accountByEmail } from '../../lib/access/accounts.ts';
import { exportRequestedSchema } from '../../lib/contracts/events.ts';
import { exportRequestSchema } from '../../lib/contracts/export-request.ts';
import { acceptExportRequest } from '../../lib/exports/accept.ts';
import { createExport } from '../../lib/exports/create.ts';
import { findExport, listExports, toDocument } from '../../lib/exports/documents.ts';
import { asking } from '../../lib/exports/idempotency.ts';
import { removeExport } from '../../lib/exports/remove.ts';
import { retryExport } from '../../lib/exports/retry.ts';
import { catalogue } from '../../lib/runtime/catalogue.ts';
import { dispatch } from '../../lib/scheduling/dispatch.ts';
import { sweepOnce } from '../../lib/scheduling/sweep.ts';
import { requested } from '../stack/events.ts';
import { emptyQueue, fillQueue } from '../stack/long-queue.ts';
import { OwnCatalogue } from '../stack/own-catalogue.ts';
import { sql } from '../stack/stack.ts';

/** The queue as those see it who wait in it, on a catalogue of its own, which is the source, too. */
const mostWaiting = 3;
let own: OwnCatalogue;
beforeAll(async () => {
  own = await OwnCatalogue.make({
    STREAMSYNC_WAITING_EXPORTS_PER_ACCOUNT: String(mostWaiting),
    STREAMSYNC_SOURCES: JSON.stringify({
      sales: { url: 'SOURCE', maxConnections: 100 },
      iot: { url: 'SOURCE' },
    }),
  });
  await sql(own.url, 'create table numbers as select n from generate_series(1, 3) n');
});
afterAll(() => own.drop());
afterEach(() => own.clear());

const request = exportRequestSchema.parse({ sources: ['iot'], dataset: 'numbers', format: 'csv' });

/** An account that waits for nothing. */
async function account(email: string): Promise<Account> {
  await own.end(await own.ask({ owner: email }));
  const found = await accountByEmail(catalogue(), email);
  if (!found) throw new Error('no account');
  return found;
}

const ask = (owner: Account, key?: string) =>
  createExport({
    owner,
    request,
    asking: key === undefined ? null : asking('queue.test', key, request),
    requestEventId: null,
  });

describe('an account', () => {
  test('has as many exports waiting as it may, however many it asks for at once', async () => {
    const a = await account('a@streamsync.example');
    const asked = await Promise.allSettled(Array.from({ length: 8 }, () => ask(a)));
    expect(asked.filter(({ status }) => status === 'fulfilled')).toHaveLength(mostWaiting);
    for (const answer of asked)
      if (answer.status === 'rejected')
        expect(answer.reason).toMatchObject({
          code: 'too_many_requests',
          retryAfterSeconds: expect.any(Number),
        });
    expect(
      await sql(own.url, `select count(*)::int as waiting from exports where state = 'queued'`),
    ).toEqual([{ waiting: mostWaiting }]);
    // Others are not concerned; nor is what is not waiting any more.
    await ask(await account('b@streamsync.example'));
    await dispatch();
    await ask(a);
  });

  test('is given the same export for the same key, though it may have no more', async () => {
    const a = await account('a@streamsync.example');
    const first = await ask(a, 'one');
    for (const key of ['two', 'three']) await ask(a, key);
    expect(await ask(a, 'one')).toBe(first);
    await expect(ask(a, 'four')).rejects.toMatchObject({ code: 'too_many_requests' });
    // It was not answered, so the key is still free.
    await removeExport(a.id, first);
    expect(await ask(a, 'four')).not.toBe(first);
  });

  test('is held to it when it runs one again, and when it asks by event', async () => {
    const a = await account('a@streamsync.example');
    await sql(own.url, 'update accounts set may_request_by_event = true');
    const ended = await ask(a);
    await removeExport(a.id, ended);
    for (let n = 0; n < mostWaiting; n++) await ask(a);
    await expect(retryExport(a, ended)).rejects.toMatchObject({ code: 'too_many_requests' });
    const event = requested({ ...request, requestedBy: a.email }, randomUUID());
    await acceptExportRequest(exportRequestedSchema.parse(event), 60_000);
    const events = await sql<{ event: { type: string; data: { requestId: string } } }>(
      own.url,
      `select convert_from(value, 'UTF8')::json as event from outbox order by id desc limit 1`,
    );
    expect(events[0]?.event).toMatchObject({
      type: 'streamsync.export.rejected.v1',
      data: { requestId: event.id, problem: { code: 'too_many_requests' } },
    });
    await sql(own.url, 'delete from idempotency_keys');
  });
});

interface Known {
  id: string;
  owner: string;
}
async function progressOf({ id, owner }: Known) {
  const found = await accountByEmail(catalogue(), owner);
  return toDocument(await findExport(catalogue(), found?.id ?? '', id)).progress;
}

describe('the place in the queue', () => {
  test('is that in which exports are given out', async () => {
    const asked: Known[] = [];
    for (const [owner, source, seconds] of [
      ['a', 'iot', 1],
      ['a', 'sales', 1],
      ['b', 'sales', 200],
      ['a', 'iot', 200],
      ['c', 'iot', 2],
      ['c', 'iot', 3],
      ['a', 'sales', 5],
      ['b', 'iot', 1],
      ['d', 'sales', 1],
    ] as const)
      asked.push({ id: await own.ask({ owner, source, seconds }), owner });
    await sql(
      own.url,
      `update accounts set served_at = now() where email = 'a';
       update accounts set served_at = now() - interval '1 hour' where email = 'c';
       update queue_lines l set served_at = a.served_at from accounts a
         where a.id = l.owner_id and a.served_at is not null`,
    );
    const told = new Map<number, string>();
    for (const it of asked) {
      const { queuePosition, etaSeconds } = await progressOf(it);
      told.set(queuePosition ?? -1, it.id);
      expect(etaSeconds).not.toBeNull();
    }
    const given: string[] = [];
    while (given.length < asked.length) {
      const ids = (await own.givenExports()).map(({ id }) => id);
      expect(ids).not.toEqual([]);
      given.push(...ids);
      for (const id of ids) await own.end(id);
    }
    expect(asked.map((_it, n) => told.get(n))).toEqual(given);
  });

  test('is told of an account of which one line is still where it was a turn ago', async () => {
    const asked = [
      { id: await own.ask({ owner: 'a', source: 'iot' }), owner: 'a' },
      { id: await own.ask({ owner: 'b' }), owner: 'b' },
      { id: await own.ask({ owner: 'a', source: 'sales' }), owner: 'a' },
    ];
    // As dispatch leaves them that has just passed over a line which another holds.
    await sql(
      own.url,
      `update accounts set served_at = now() where email = 'a';
       update queue_lines l set served_at = a.served_at from accounts a
         where a.id = l.owner_id and a.email = 'a' and l.source = 'sales'`,
    );
    const places: (number | null)[] = [];
    for (const it of asked) places.push((await progressOf(it)).queuePosition);
    expect(places).toEqual([1, 0, 2]);
  });

  test('leaves those of paused sources behind the others', async () => {
    const paused = { id: await own.ask({ owner: 'a', source: 'sales' }), owner: 'a' };
    const open = { id: await own.ask({ owner: 'b' }), owner: 'b' };
    await sql(
      own.url,
      `insert into source_pauses (source, reason, paused_by) select 'sales', 'x', id from accounts limit 1`,
    );
    expect(await progressOf(open)).toMatchObject({ queuePosition: 0, etaSeconds: 1 });
    expect(await progressOf(paused)).toMatchObject({ queuePosition: 1, etaSeconds: null });
  });

  test('is exact for a hundred, and a lower bound behind them; a list says the same', async () => {
    const owner = 'a';
    const ids: string[] = [];
    for (let n = 0; n < 3; n++) ids.push(await own.ask({ owner }));
    await sql(
      own.url,
      `with more as (
         insert into exports (id, owner_id, request, estimated_seconds, queued_at)
         select uuidv7(), owner_id, request, 1, clock_timestamp() from exports, generate_series(1, 60)
         where id = $1 returning id)
       insert into units (id, export_id, kind, source) select uuidv7(), id, 'read', 'iot' from more`,
      [ids[0]],
    );
    for (let n = 0; n < 45; n++) await own.ask({ owner: 'b' });
    const first = await progressOf({ id: ids[0] ?? '', owner });
    expect(first).toMatchObject({ queuePosition: 0, etaSeconds: 1 });
    const found = await accountByEmail(catalogue(), owner);
    const { items } = await listExports(catalogue(), found?.id ?? '', { limit: 200 });
    const places = items
      .map(({ progress }) => progress.queuePosition ?? -1)
      .toSorted((x, y) => x - y);
    // One of each in turn, until 45 of the other have had theirs; from a hundred on nobody counts.
    const exact = [
      ...Array.from({ length: 45 }, (_, n) => 2 * n),
      ...Array.from({ length: 10 }, (_, n) => 90 + n),
    ];
    expect(places).toEqual([...exact, ...Array.from({ length: 8 }, () => 100)]);
    for (const { progress } of items)
      if (progress.queuePosition === 100) expect(progress.etaSeconds).toBeNull();
  });
});

describe('however many wait', () => {
  // It would be counted, too.
  beforeAll(async () => {
    for (const table of ['units', 'exports', 'queue_lines', 'accounts', 'outbox'])
      await sql(own.url, `alter table ${table} set (autovacuum_enabled = false)`);
  });
  afterEach(() => emptyQueue(own.url));

  /** The server counts for itself when a connection ends: nobody else has any here. */
  async function blocksOf(work: () => Promise<unknown>): Promise<number> {
    const before = await blocks();
    await work();
    return (await blocks()) - before;
  }
  async function blocks(): Promise<number> {
    await sql(
      own.url,
      `select pg_terminate_backend(pid, 10000) from pg_stat_activity
       where datname = current_database() and pid <> pg_backend_pid()`,
    );
    const [row] = await sql<{ blocks: number }>(
      own.url,
      `select (blks_hit + blks_read)::float8 as blocks from pg_stat_database where datname = current_database()`,
    );
    return row?.blocks ?? 0;
  }

  /** What each costs, in blocks of the database looked at. */
  async function measure(exports: number, accounts: number): Promise<Record<string, number>> {
    const b = await account('b@streamsync.example');
    await sql(own.url, 'update accounts set served_at = null where id = $1', [b.id]);
    await fillQueue(own.url, { exports, accounts, source: 'sales' });
    const mine = await ask(b);
    const costs = {
      create: await blocksOf(() => ask(b)),
      poll: await blocksOf(() => findExport(catalogue(), b.id, mine)),
      list: await blocksOf(() => listExports(catalogue(), b.id, { limit: 50 })),
      dispatch: await blocksOf(dispatch),
      cancel: await blocksOf(() => removeExport(b.id, mine)),
      sweep: await blocksOf(sweepOnce),
    };
    await emptyQueue(own.url);
    await sql(own.url, 'delete from exports');
    return costs;
  }

  test('a poll, a list, a create, a dispatch, a cancel and a sweep look at as much', async () => {
    let some = await measure(2_000, 200);
    let many = await measure(20_000, 5_000);
    // What the server does for itself meanwhile (it vacuums its own tables) is counted, too, and is not there again.
    for (let again = 0; again < 2 && tooMuch(some, many).length > 0; again++) {
      some = least(some, await measure(2_000, 200));
      many = least(many, await measure(20_000, 5_000));
    }
    console.info('blocks with 2,000 and with 20,000 waiting', some, many);
    expect(tooMuch(some, many)).toEqual([]);
  });

  type Costs = Record<string, number>;

  /**
   * A level more of an index is a block more at each of some hundred places (a sweep looks at 200 lines, and twice at
   * some), and no more than that. To read all units would be 600 more, all exports 800, all lines 300.
   */
  const tooMuch = (some: Costs, many: Costs): string[] =>
    Object.entries(many)
      .filter(([what, cost]) => cost - (some[what] ?? 0) >= (what === 'sweep' ? 1_400 : 450))
      .map(([what]) => what);

  const least = (one: Costs, other: Costs): Costs =>
    Object.fromEntries(
      Object.entries(one).map(([what, cost]) => [what, Math.min(cost, other[what] ?? cost)]),
    );
});
