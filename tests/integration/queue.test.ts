import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type Account, accountByEmail } from '../../lib/access/accounts.ts';
import { exportRequestedSchema } from '../../lib/contracts/events.ts';
import { newestFirst } from '../../lib/contracts/export-document.ts';
import { exportRequestSchema } from '../../lib/contracts/export-request.ts';
import { acceptExportRequest } from '../../lib/exports/events/accept-request-event.ts';
import { idempotencyKeyFor } from '../../lib/exports/events/idempotency.ts';
import { toDocument } from '../../lib/exports/export-document.ts';
import { findExport } from '../../lib/exports/export-record.ts';
import { createExport } from '../../lib/exports/lifecycle/create.ts';
import { deleteExport } from '../../lib/exports/lifecycle/delete.ts';
import { retryExport } from '../../lib/exports/lifecycle/rerun.ts';
import { listExports } from '../../lib/exports/list-exports.ts';
import { usageOf } from '../../lib/exports/quotas.ts';
import { catalogue } from '../../lib/runtime/catalogue.ts';
import { dispatch } from '../../lib/scheduling/dispatch.ts';
import { sweepOnce } from '../../lib/scheduling/sweep.ts';
import { requested } from '../support/events.ts';
import { emptyQueue, fillQueue } from '../support/long-queue.ts';
import { OwnCatalogue } from '../support/own-catalogue.ts';
import { sql } from '../support/stack.ts';

/** The queue as users see it, on a catalogue of its own, which is the source as well. */
const maxWaiting = 3;
let own: OwnCatalogue;
beforeAll(async () => {
  own = await OwnCatalogue.create({
    STREAMSYNC_MAX_WAITING_EXPORTS_PER_ACCOUNT: String(maxWaiting),
    STREAMSYNC_QUOTA_ROWS_PER_DAY: '1000000',
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

/** Returns an account without exports. */
async function account(email: string): Promise<Account> {
  await own.end(await own.addExport({ owner: email }));
  const found = await accountByEmail(catalogue(), email);
  if (!found) throw new Error('the account was not created');
  return found;
}

const ask = (owner: Account, key?: string) =>
  createExport({
    owner,
    request,
    idempotencyKey: key === undefined ? null : idempotencyKeyFor('queue.test', key, request),
    requestEventId: null,
  });

describe('limit of waiting exports', () => {
  test('an account cannot have more waiting exports than its limit, even with concurrent requests', async () => {
    const a = await account('a@streamsync.example');
    const requests = await Promise.allSettled(Array.from({ length: 8 }, () => ask(a)));
    expect(requests.filter(({ status }) => status === 'fulfilled')).toHaveLength(maxWaiting);
    for (const answer of requests)
      if (answer.status === 'rejected')
        expect(answer.reason).toMatchObject({
          code: 'too_many_requests',
          retryAfterSeconds: expect.any(Number),
        });
    expect(
      await sql(own.url, `select count(*)::int as waiting from exports where state = 'queued'`),
    ).toEqual([{ waiting: maxWaiting }]);
    // Neither exports of other accounts nor dispatched exports count.
    await ask(await account('b@streamsync.example'));
    await dispatch();
    await ask(a);
  });

  test('a request with a used idempotency key returns its export at the limit', async () => {
    const a = await account('a@streamsync.example');
    const first = await ask(a, 'one');
    for (const key of ['two', 'three']) await ask(a, key);
    expect(await ask(a, 'one')).toBe(first);
    await expect(ask(a, 'four')).rejects.toMatchObject({ code: 'too_many_requests' });
    // The rejected request did not use up its key.
    await deleteExport(a.id, first);
    expect(await ask(a, 'four')).not.toBe(first);
  });

  test('the limit of waiting exports holds for reruns and requests by event as well', async () => {
    const a = await account('a@streamsync.example');
    await sql(own.url, 'update accounts set may_request_by_event = true');
    const ended = await ask(a);
    await deleteExport(a.id, ended);
    for (let n = 0; n < maxWaiting; n++) await ask(a);
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

test('the quotas of the deployment apply to an account without its own', async () => {
  const a = await account('a@streamsync.example');
  const quotas = async () => (await usageOf(catalogue(), a)).quotas;
  expect(await quotas()).toEqual({
    runningExports: null,
    rowsPerDay: 1_000_000,
    bytesPerDay: null,
  });
  await expect(ask(a)).resolves.toEqual(expect.any(String));
  await sql(own.url, 'update accounts set max_rows_per_day = 2 where id = $1', [a.id]);
  expect(await quotas()).toMatchObject({ rowsPerDay: 2 });
  await expect(ask(a)).rejects.toMatchObject({ code: 'too_many_requests' });
});

interface Known {
  id: string;
  owner: string;
}
async function progressOf({ id, owner }: Known) {
  const found = await accountByEmail(catalogue(), owner);
  return toDocument(await findExport(catalogue(), found?.id ?? '', id)).progress;
}

describe('queue position', () => {
  test('the queue position is the order of dispatch', async () => {
    const requests: Known[] = [];
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
      requests.push({ id: await own.addExport({ owner, source, seconds }), owner });
    await sql(
      own.url,
      `update accounts set served_at = now() where email = 'a';
       update accounts set served_at = now() - interval '1 hour' where email = 'c';
       update queue_lines l set served_at = a.served_at from accounts a
         where a.id = l.owner_id and a.served_at is not null`,
    );
    const idsByPosition = new Map<number, string>();
    for (const it of requests) {
      const { queuePosition, etaSeconds } = await progressOf(it);
      idsByPosition.set(queuePosition ?? -1, it.id);
      expect(etaSeconds).not.toBeNull();
    }
    const dispatchOrder: string[] = [];
    while (dispatchOrder.length < requests.length) {
      const ids = (await own.dispatchedExports()).map(({ id }) => id);
      expect(ids).not.toEqual([]);
      dispatchOrder.push(...ids);
      for (const id of ids) await own.end(id);
    }
    expect(requests.map((_it, n) => idsByPosition.get(n))).toEqual(dispatchOrder);
  });

  test('the queue position is right for an account with one line that was passed over in its last turn', async () => {
    const requests = [
      { id: await own.addExport({ owner: 'a', source: 'iot' }), owner: 'a' },
      { id: await own.addExport({ owner: 'b' }), owner: 'b' },
      { id: await own.addExport({ owner: 'a', source: 'sales' }), owner: 'a' },
    ];
    // The state after dispatch has passed over a line that another process had locked.
    await sql(
      own.url,
      `update accounts set served_at = now() where email = 'a';
       update queue_lines l set served_at = a.served_at from accounts a
         where a.id = l.owner_id and a.email = 'a' and l.source = 'sales'`,
    );
    const places: (number | null)[] = [];
    for (const it of requests) places.push((await progressOf(it)).queuePosition);
    expect(places).toEqual([1, 0, 2]);
  });

  test('exports of paused sources come after all others in the queue', async () => {
    const paused = { id: await own.addExport({ owner: 'a', source: 'sales' }), owner: 'a' };
    const open = { id: await own.addExport({ owner: 'b' }), owner: 'b' };
    await sql(
      own.url,
      `insert into source_pauses (source, reason, paused_by) select 'sales', 'x', id from accounts limit 1`,
    );
    expect(await progressOf(open)).toMatchObject({ queuePosition: 0, etaSeconds: 1 });
    expect(await progressOf(paused)).toMatchObject({ queuePosition: 1, etaSeconds: null });
  });

  test('the queue position is exact up to 100 and a lower bound from there, in the list as well', async () => {
    const owner = 'a';
    const ids: string[] = [];
    for (let n = 0; n < 3; n++) ids.push(await own.addExport({ owner }));
    await sql(
      own.url,
      `with more as (
         insert into exports (id, owner_id, request, estimated_seconds, queued_at)
         select uuidv7(), owner_id, request, 1, clock_timestamp() from exports, generate_series(1, 60)
         where id = $1 returning id)
       insert into units (id, export_id, kind, source) select uuidv7(), id, 'read', 'iot' from more`,
      [ids[0]],
    );
    for (let n = 0; n < 45; n++) await own.addExport({ owner: 'b' });
    const first = await progressOf({ id: ids[0] ?? '', owner });
    expect(first).toMatchObject({ queuePosition: 0, etaSeconds: 1 });
    const found = await accountByEmail(catalogue(), owner);
    const { records } = await listExports(catalogue(), found?.id ?? '', {
      limit: 200,
      sort: newestFirst,
    });
    const documents = records.map(toDocument);
    const places = documents
      .map(({ progress }) => progress.queuePosition ?? -1)
      .toSorted((x, y) => x - y);
    // The two accounts alternate until the 45 exports of the other are served. Positions from 100 on are not counted.
    const exact = [
      ...Array.from({ length: 45 }, (_, n) => 2 * n),
      ...Array.from({ length: 10 }, (_, n) => 90 + n),
    ];
    expect(places).toEqual([...exact, ...Array.from({ length: 8 }, () => 100)]);
    for (const { progress } of documents)
      if (progress.queuePosition === 100) expect(progress.etaSeconds).toBeNull();
  });
});

describe('cost of a long queue', () => {
  // The blocks that autovacuum reads would be counted, too.
  beforeAll(async () => {
    for (const table of ['units', 'exports', 'queue_lines', 'accounts', 'outbox'])
      await sql(own.url, `alter table ${table} set (autovacuum_enabled = false)`);
  });
  afterEach(() => emptyQueue(own.url));

  /**
   * Returns the blocks that `work` reads. The server adds them up when a connection ends, and only this test has
   * connections.
   */
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

  /** Returns the blocks of the database that each operation reads. */
  async function measure(exports: number, accounts: number): Promise<Record<string, number>> {
    const b = await account('b@streamsync.example');
    await sql(own.url, 'update accounts set served_at = null where id = $1', [b.id]);
    await fillQueue(own.url, { exports, accounts, source: 'sales' });
    const mine = await ask(b);
    const costs = {
      create: await blocksOf(() => ask(b)),
      poll: await blocksOf(() => findExport(catalogue(), b.id, mine)),
      list: await blocksOf(() => listExports(catalogue(), b.id, { limit: 50, sort: newestFirst })),
      dispatch: await blocksOf(dispatch),
      cancel: await blocksOf(() => deleteExport(b.id, mine)),
      sweep: await blocksOf(sweepOnce),
    };
    await emptyQueue(own.url);
    await sql(own.url, 'delete from exports');
    return costs;
  }

  test('a poll, a list, a create, a dispatch, a cancel and a sweep read as many blocks with ten times the queue', async () => {
    let shortQueue = await measure(2_000, 200);
    let longQueue = await measure(20_000, 5_000);
    // The server's own work (autovacuum of the catalog) counts as well, so a difference has to repeat itself.
    for (let attempt = 0; attempt < 2 && grownBeyond(shortQueue, longQueue).length > 0; attempt++) {
      shortQueue = minimumOf(shortQueue, await measure(2_000, 200));
      longQueue = minimumOf(longQueue, await measure(20_000, 5_000));
    }
    console.info('blocks with 2,000 and with 20,000 waiting exports', shortQueue, longQueue);
    expect(grownBeyond(shortQueue, longQueue)).toEqual([]);
  });

  type Costs = Record<string, number>;

  /**
   * A further index level costs one block at each of some hundred lookups (a sweep looks up 200 lines, some of them
   * twice). A read of all units would cost 600 blocks more, of all exports 800, of all lines 300.
   */
  const grownBeyond = (shortQueue: Costs, longQueue: Costs): string[] =>
    Object.entries(longQueue)
      .filter(([what, cost]) => cost - (shortQueue[what] ?? 0) >= (what === 'sweep' ? 1_400 : 450))
      .map(([what]) => what);

  const minimumOf = (one: Costs, other: Costs): Costs =>
    Object.fromEntries(
      Object.entries(one).map(([what, cost]) => [what, Math.min(cost, other[what] ?? cost)]),
    );
});
