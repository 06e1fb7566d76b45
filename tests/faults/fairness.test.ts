import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { newAccount, type OwnAccount } from '../stack/accounts.ts';
import { asAdmin, call, createExport } from '../stack/api.ts';
import { sourceUrl, sql, stack } from '../stack/stack.ts';
import { until } from '../stack/until.ts';

const view = `fairness_${Date.now()}`;
/** The first of them asks for most. */
const wanted =
  process.env.STREAMSYNC_TEST_LONG === '1'
    ? [100, 30, 20, 10, 10, 6, 6, 6, 6, 6]
    : [70, 8, 4, 3, 3, 3, 3, 2, 2, 2];
const all = wanted.reduce((sum, count) => sum + count, 0);
let owners: (OwnAccount & { count: number })[];
let ids: string[];
const catalogue = stack.postgres.catalogue;

beforeAll(async () => {
  await sql(sourceUrl('iot'), `create view ${view} as select 1 as n`);
  owners = await Promise.all(wanted.map(async (count) => ({ ...(await newAccount()), count })));
  ids = owners.map(({ id }) => id);
});
afterAll(async () => {
  await call('DELETE', '/sources/iot/pause', { headers: asAdmin });
  // The sweep deletes the objects. Accounts stay as long as exports name them.
  await sql(
    catalogue,
    `update exports set deleted_at = now(), state = case state when 'ready' then 'expired' else state end
     where owner_id = any($1)`,
    [ids],
  );
  await sql(catalogue, 'update accounts set disabled_at = now() where id = any($1)', [ids]);
  await sql(sourceUrl('iot'), `drop view ${view}`);
});

/** One time that a unit was given out, and claimed. */
interface Turn {
  owner: string;
  export_id: string;
  /** The order in which units were given out is that of the messages about them. */
  given: number;
  given_at: Date;
  started_at: Date;
}

const turns = () =>
  sql<Turn>(
    catalogue,
    `with given as materialized (
       select o.id, o.created_at, (convert_from(o.value, 'UTF8')::json->'data'->>'unitId')::uuid as unit_id
       from outbox o where o.topic = 'exports.work' and o.dispatch_id is not null and o.value <> ''
     )
     select e.owner_id as owner, e.id as export_id, g.id::float8 as given, g.created_at as given_at, a.started_at
     from exports e join attempts a on a.export_id = e.id
     cross join lateral (select * from given where given.unit_id = a.unit_id
       and given.created_at <= a.started_at order by given.id desc limit 1) g
     where e.owner_id = any($1) order by g.id`,
    [ids],
  );

/**
 * The rule: between two turns of an account, every other that had an export waiting all that time had a turn. Returns
 * whom it was broken against. An export that comes back into the queue after a failed attempt has to wait for its
 * time, so it counts as a turn, but not as waiting.
 */
function broken(
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

test(`${all} exports of ten accounts, most of them of one: all are made, and each account has its turn`, async () => {
  // They are to wait all at once: in which order they arrive is nobody's merit.
  const reason = 'until all have asked';
  await call('POST', '/sources/iot/pause', { headers: asAdmin, body: { reason } });
  const request = { sources: ['iot'], dataset: view, format: 'csv', ttlSeconds: 3_600 };
  await Promise.all(
    owners.map(async ({ byKey, count }) => {
      for (let asked = 0; asked < count; asked += 10)
        await Promise.all(
          Array.from({ length: Math.min(10, count - asked) }, () => createExport(request, byKey)),
        );
    }),
  );
  const resumed = performance.now();
  await call('DELETE', '/sources/iot/pause', { headers: asAdmin });
  const states = await until(
    'all have ended',
    async () => {
      const rows = await sql<{ state: string; count: number }>(
        catalogue,
        'select state, count(*)::int as count from exports where owner_id = any($1) group by state',
        [ids],
      );
      const open = ['queued', 'dispatched', 'running', 'completing'];
      return rows.some(({ state }) => open.includes(state)) ? undefined : rows;
    },
    { seconds: 90, everyMilliseconds: 500 },
  );
  console.info(`${all} exports in ${((performance.now() - resumed) / 1_000).toFixed(1)} s`);
  expect(states).toEqual([{ state: 'ready', count: all }]);

  const given = await turns();
  expect(new Set(given.map(({ export_id }) => export_id)).size).toBe(all);
  const inTurn = (order: readonly Turn[]) =>
    broken(
      order,
      (theirs, from, to) => theirs.some((turn) => turn.given > from.given && turn.given < to.given),
      (first, to) => first.given > to.given,
    );
  expect(inTurn(given)).toEqual([]);
  // It would have been noticed: first come, first served is not fair.
  const byExport = given.toSorted((a, b) => a.export_id.localeCompare(b.export_id));
  expect(inTurn(byExport.map((turn, n) => ({ ...turn, given: n })))).not.toEqual([]);

  /*
   * The same of the moments at which they began. Four are given out at a time, to workers that begin when they can:
   * what was given before another may begin behind it. So a turn counts from when the first of the two was given out,
   * and one that was given out and has not begun is under way, not waiting.
   */
  const started = given.toSorted((a, b) => a.started_at.getTime() - b.started_at.getTime());
  const begun = broken(
    started,
    (theirs, from, to) => {
      const since = Math.min(from.given_at.getTime(), to.given_at.getTime());
      const end = to.started_at.getTime();
      return theirs.some(
        (turn) => turn.given_at.getTime() <= end && turn.started_at.getTime() >= since,
      );
    },
    (first, to) => first.given_at > to.started_at,
  );
  expect(begun).toEqual([]);
});
