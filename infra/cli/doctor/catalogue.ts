/** The catalogue: whether it answers, whether it is up to date, and what lies in it longer than it should. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { thresholds } from '../../../lib/health/thresholds.ts';
import { catalogue } from '../../../lib/runtime/catalogue.ts';
import { type Home, REPO } from '../home.ts';
import { type Check, count, type Finding, fail, ok, warn } from './check.ts';

const MIGRATIONS = join(REPO, 'infra/postgres/migrations');
/** The sweep comes by every few seconds, with up to a minute between two rounds; then something is wrong. */
const GRACE_SECONDS = 90;
const LONG_QUEUED_SECONDS = 600;
const EXAMPLES = 3;

export function catalogueCheck(home: Home): Check {
  return {
    name: 'catalogue',
    look: async () => {
      await catalogue().query('select 1');
      const migrations = await lookAtMigrations();
      const reachable = ok('catalogue', 'answers');
      // Without its tables there is nothing more to ask.
      if (migrations.status === 'FAIL') return [reachable, migrations];
      const looks = [lookAtExports(home), lookAtOutbox(home), lookAtSlots()];
      return [reachable, migrations, ...(await Promise.all(looks))];
    },
    todo: `the API answers 5xx until it is back; see ${home.logs}/postgres.log`,
  };
}

async function lookAtMigrations(): Promise<Finding> {
  const wanted = (await readdir(MIGRATIONS))
    .filter((name) => name.endsWith('.sql'))
    .map((name) => name.slice(0, -'.sql'.length));
  const { rows } = await catalogue().query<{ name: string }>('select name from migrations');
  const done = new Set(rows.map(({ name }) => name));
  const missing = wanted.filter((name) => !done.has(name));
  if (missing.length > 0)
    return fail(
      'migrations',
      `not run: ${missing.join(', ')}`,
      'stop the stack and start it again: the start runs them',
    );
  const unknown = [...done].filter((name) => !wanted.includes(name));
  return unknown.length > 0
    ? warn(
        'migrations',
        `the catalogue has some this clone does not know: ${unknown.join(', ')}`,
        'use a newer clone, or begin anew with npm run reset',
      )
    : ok('migrations', `${count(wanted.length, 'migration')}, all run`);
}

interface Exports {
  running: number;
  overdue: string[];
  queued: number;
  queued_seconds: number | null;
  longest: string | null;
  free_slots: number;
}

const selectExports = `
  with unfinished as (
    select u.export_id, u.state, u.lease_until, greatest(u.created_at, u.not_before) as since, o.sent_at
    from units u left join outbox o on o.dispatch_id = u.dispatch_id
    where u.state in ('queued', 'dispatched', 'running')
  ), late as (
    select export_id from unfinished
    where (state = 'running' and lease_until < now() - interval '${GRACE_SECONDS} seconds')
      or (state = 'dispatched' and sent_at < now() - interval '${60 + GRACE_SECONDS} seconds')
  ), waiting as (
    select export_id, since from unfinished where state = 'queued' and since <= now()
  )
  select
    (select count(*) from unfinished where state <> 'queued') as running,
    (select coalesce(array_agg(export_id::text), '{}') from late) as overdue,
    (select count(*) from unfinished where state = 'queued') as queued,
    (select extract(epoch from now() - min(since))::int from waiting) as queued_seconds,
    (select export_id from waiting order by since limit 1) as longest,
    (select count(*) from slots s where (s.closed_until is null or s.closed_until < now())
      and not exists (select 1 from units u
        where u.partition = s.partition and u.state in ('dispatched', 'running'))) as free_slots`;

async function lookAtExports(home: Home): Promise<Finding> {
  const { rows } = await catalogue().query<Exports>(selectExports);
  const [it] = rows;
  if (it === undefined) throw new Error('the catalogue gave no answer about exports');
  const sweepLog = `see why the sweep leaves it in ${home.logs}/functions.log, and npm run logs -- <export id>`;
  if (it.overdue.length > 0)
    return fail(
      'exports',
      `${count(it.overdue.length, 'export')} given to a worker that is gone: ${it.overdue.slice(0, EXAMPLES).join(', ')}`,
      sweepLog,
    );
  const waits =
    it.longest === null ? '' : `, the longest for ${it.queued_seconds} s (${it.longest})`;
  const detail = `${it.running} at work, ${it.queued} queued${waits}`;
  if ((it.queued_seconds ?? 0) < LONG_QUEUED_SECONDS) return ok('exports', detail);
  return it.free_slots > 0
    ? fail('exports', `${detail}, and ${count(it.free_slots, 'slot')} free`, sweepLog)
    : warn('exports', detail, 'every slot is taken; they are served in turn');
}

async function lookAtOutbox(home: Home): Promise<Finding> {
  const { rows } = await catalogue().query<{ late: number; seconds: number | null }>(
    `select count(*) as late, extract(epoch from now() - min(created_at))::int as seconds
     from outbox where sent_at is null and failed_at is null and created_at < now() - interval '${thresholds.unsentSeconds} seconds'`,
  );
  const late = rows[0]?.late ?? 0;
  if (late === 0) return ok('outbox', 'nothing waits to be sent');
  return fail(
    'outbox',
    `${count(late, 'message')} unsent, the oldest for ${rows[0]?.seconds} s`,
    `they are sent when Kafka takes them; see ${home.logs}/functions.log and kafka.log`,
  );
}

async function lookAtSlots(): Promise<Finding> {
  const { rows } = await catalogue().query<{ partition: number; closed_until: Date | null }>(
    `select partition, case when closed_until > now() then closed_until end as closed_until
     from slots order by partition`,
  );
  const closed = rows.flatMap(({ partition, closed_until }) =>
    closed_until === null ? [] : [`${partition} until ${closed_until.toISOString()}`],
  );
  if (rows.length === 0)
    return fail(
      'slots',
      'there are none',
      'stop the stack and start it again: the start makes them',
    );
  if (closed.length === 0) return ok('slots', `${rows.length}, all open`);
  const detail = `${closed.length} of ${rows.length} closed behind a lost worker: ${closed.join(', ')}`;
  const todo = 'they open by themselves, at once when their partition is delivered again';
  return closed.length === rows.length ? fail('slots', detail, todo) : warn('slots', detail, todo);
}
