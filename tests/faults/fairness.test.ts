import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { newAccount, type OwnAccount } from '../support/accounts.ts';
import { asAdmin, call, createExport } from '../support/api.ts';
import { sourceUrl, sql, stack } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

const view = `fairness_${Date.now()}`;
/** The number of exports of each account. The first one has the most. */
const exportCounts =
  process.env.STREAMSYNC_TEST_LONG === '1'
    ? [100, 30, 20, 10, 10, 6, 6, 6, 6, 6]
    : [70, 8, 4, 3, 3, 3, 3, 2, 2, 2];
const all = exportCounts.reduce((sum, count) => sum + count, 0);
let owners: (OwnAccount & { count: number })[];
let ids: string[];
const catalogue = stack.postgres.catalogue;

beforeAll(async () => {
  await sql(sourceUrl('iot'), `create view ${view} as select 1 as n`);
  owners = await Promise.all(
    exportCounts.map(async (count) => ({ ...(await newAccount()), count })),
  );
  ids = owners.map(({ id }) => id);
});
afterAll(async () => {
  await call('DELETE', '/sources/iot/pause', { headers: asAdmin });
  // The sweep deletes the objects. Accounts stay as long as exports refer to them.
  await sql(
    catalogue,
    `update exports set deleted_at = now(), state = case state when 'ready' then 'expired' else state end
     where owner_id = any($1)`,
    [ids],
  );
  await sql(catalogue, 'update accounts set disabled_at = now() where id = any($1)', [ids]);
  await sql(sourceUrl('iot'), `drop view ${view}`);
});

/** One dispatch of a unit that was claimed. */
interface Turn {
  owner: string;
  export_id: string;
  /** The order of the dispatches is the order of their messages. */
  dispatchOrder: number;
  dispatched_at: Date;
  started_at: Date;
}

const turns = () =>
  sql<Turn>(
    catalogue,
    `with dispatched as materialized (
       select o.id, o.created_at, (convert_from(o.value, 'UTF8')::json->'data'->>'unitId')::uuid as unit_id
       from outbox o where o.topic = 'exports.work' and o.dispatch_id is not null and o.value <> ''
     )
     select e.owner_id as owner, e.id as export_id, g.id::float8 as "dispatchOrder", g.created_at as dispatched_at, a.started_at
     from exports e join attempts a on a.export_id = e.id
     cross join lateral (select * from dispatched where dispatched.unit_id = a.unit_id
       and dispatched.created_at <= a.started_at order by dispatched.id desc limit 1) g
     where e.owner_id = any($1) order by g.id`,
    [ids],
  );

/**
 * Checks the rule: between two turns of an account, each other account with an export that waited all the time had a
 * turn. Returns the violations. An export that is requeued after a failed attempt waits for a time, so it counts as a
 * turn, but not as waiting.
 */
function violationsOf(
  sorted: readonly Turn[],
  hadTurn: (other: readonly Turn[], from: Turn, to: Turn) => boolean,
  waited: (first: Turn, to: Turn) => boolean,
): string[] {
  return ids.flatMap((owner) => {
    const own = sorted.filter((turn) => turn.owner === owner);
    return own.slice(1).flatMap((to, n) => {
      const from = own[n] ?? to;
      return ids.flatMap((other) => {
        const theirs = sorted.filter((turn) => turn.owner === other);
        const firsts = new Map(theirs.toReversed().map((turn) => [turn.export_id, turn]));
        const owed = other !== owner && [...firsts.values()].some((turn) => waited(turn, to));
        return owed && !hadTurn(theirs, from, to)
          ? [`${other} waited while ${owner} had ${from.export_id} and ${to.export_id}`]
          : [];
      });
    });
  });
}

test(`${all} exports of ten accounts, most of them of one account, are all ready, and each account has its turn`, async () => {
  // All exports wait before the first is dispatched, so that the order of their arrival does not count.
  const reason = 'until all exports are requested';
  await call('POST', '/sources/iot/pause', { headers: asAdmin, body: { reason } });
  const request = { sources: ['iot'], dataset: view, format: 'csv', ttlSeconds: 3_600 };
  await Promise.all(
    owners.map(async ({ byKey, count }) => {
      for (let requested = 0; requested < count; requested += 10)
        await Promise.all(
          Array.from({ length: Math.min(10, count - requested) }, () =>
            createExport(request, byKey),
          ),
        );
    }),
  );
  const resumed = performance.now();
  await call('DELETE', '/sources/iot/pause', { headers: asAdmin });
  const states = await waitFor(
    'all exports have ended',
    async () => {
      const rows = await sql<{ state: string; count: number }>(
        catalogue,
        'select state, count(*)::int as count from exports where owner_id = any($1) group by state',
        [ids],
      );
      const open = ['queued', 'dispatched', 'running', 'completing'];
      return rows.some(({ state }) => open.includes(state)) ? undefined : rows;
    },
    { seconds: 90, everyMs: 500 },
  );
  console.info(`${all} exports in ${((performance.now() - resumed) / 1_000).toFixed(1)} s`);
  expect(states).toEqual([{ state: 'ready', count: all }]);

  const dispatched = await turns();
  expect(new Set(dispatched.map(({ export_id }) => export_id)).size).toBe(all);
  const violationsIn = (order: readonly Turn[]) =>
    violationsOf(
      order,
      (theirs, from, to) =>
        theirs.some(
          (turn) =>
            turn.dispatchOrder > from.dispatchOrder && turn.dispatchOrder < to.dispatchOrder,
        ),
      (first, to) => first.dispatchOrder > to.dispatchOrder,
    );
  expect(violationsIn(dispatched)).toEqual([]);
  // The check can fail: first come, first served is not fair.
  const byExport = dispatched.toSorted((a, b) => a.export_id.localeCompare(b.export_id));
  expect(violationsIn(byExport.map((turn, n) => ({ ...turn, dispatchOrder: n })))).not.toEqual([]);

  /*
   * The same rule for the starts of the attempts. Four units are dispatched at a time, and their workers start in any
   * order. So a turn counts from the dispatch of the first of the two, and a unit that was dispatched and has not
   * started is not waiting.
   */
  const started = dispatched.toSorted((a, b) => a.started_at.getTime() - b.started_at.getTime());
  const violations = violationsOf(
    started,
    (theirs, from, to) => {
      const since = Math.min(from.dispatched_at.getTime(), to.dispatched_at.getTime());
      const end = to.started_at.getTime();
      return theirs.some(
        (turn) => turn.dispatched_at.getTime() <= end && turn.started_at.getTime() >= since,
      );
    },
    (first, to) => first.dispatched_at > to.started_at,
  );
  expect(violations).toEqual([]);
});
