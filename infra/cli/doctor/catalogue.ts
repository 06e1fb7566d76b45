/** Checks that the catalogue answers, that its migrations are complete, and that its work moves on. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { thresholds } from '../../../lib/health/thresholds.ts';
import { catalogue } from '../../../lib/runtime/catalogue.ts';
import { type Home, repoRoot } from '../../local/home/home.ts';
import { type Check, count, type DoctorFinding, fail, ok, warn } from './check.ts';

const migrationsDirectory = join(repoRoot, 'infra/postgres/migrations');
/** The sweep repairs overdue units within about a minute; later than this is an error. */
const graceSeconds = 90;
const longQueuedSeconds = 600;
const maxExamples = 3;

export function catalogueCheck(home: Home): Check {
  return {
    name: 'catalogue',
    run: async () => {
      await catalogue().query('select 1');
      const migrations = await checkMigrations();
      const reachable = ok('catalogue', 'answers');
      // The other checks need the tables.
      if (migrations.status === 'FAIL') return [reachable, migrations];
      const checks = [checkExports(home), checkOutbox(home), checkSlots()];
      return [reachable, migrations, ...(await Promise.all(checks))];
    },
    fix: `the API answers 5xx until it is back; see ${home.logs}/postgres.log`,
  };
}

async function checkMigrations(): Promise<DoctorFinding> {
  const expected = (await readdir(migrationsDirectory))
    .filter((name) => name.endsWith('.sql'))
    .map((name) => name.slice(0, -'.sql'.length));
  const { rows } = await catalogue().query<{ name: string }>('select name from migrations');
  const done = new Set(rows.map(({ name }) => name));
  const missing = expected.filter((name) => !done.has(name));
  if (missing.length > 0)
    return fail(
      'migrations',
      `not run: ${missing.join(', ')}`,
      'stop the stack and start it again: the start runs them',
    );
  const unknown = [...done].filter((name) => !expected.includes(name));
  return unknown.length > 0
    ? warn(
        'migrations',
        `the catalogue has migrations that this clone does not know: ${unknown.join(', ')}`,
        'use a newer clone, or remove the state with npm run reset',
      )
    : ok('migrations', `${count(expected.length, 'migration')}, all run`);
}

interface QueueSummary {
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
    where (state = 'running' and lease_until < now() - interval '${graceSeconds} seconds')
      or (state = 'dispatched' and sent_at < now() - interval '${60 + graceSeconds} seconds')
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

async function checkExports(home: Home): Promise<DoctorFinding> {
  const { rows } = await catalogue().query<QueueSummary>(selectExports);
  const [queue] = rows;
  if (queue === undefined) throw new Error('the catalogue returned no row about exports');
  const fix = `see why the sweep did not requeue it in ${home.logs}/functions.log, and npm run logs -- <export id>`;
  if (queue.overdue.length > 0)
    return fail(
      'exports',
      `${count(queue.overdue.length, 'export')} held by a worker that has ended: ${queue.overdue.slice(0, maxExamples).join(', ')}`,
      fix,
    );
  const oldest =
    queue.longest === null ? '' : `, the oldest for ${queue.queued_seconds} s (${queue.longest})`;
  const detail = `${queue.running} units in progress, ${queue.queued} queued${oldest}`;
  if ((queue.queued_seconds ?? 0) < longQueuedSeconds) return ok('exports', detail);
  return queue.free_slots > 0
    ? fail('exports', `${detail}, and ${count(queue.free_slots, 'slot')} free`, fix)
    : warn('exports', detail, 'all slots are in use; the units start in turn');
}

async function checkOutbox(home: Home): Promise<DoctorFinding> {
  const { rows } = await catalogue().query<{ late: number; seconds: number | null }>(
    `select count(*) as late, extract(epoch from now() - min(created_at))::int as seconds
     from outbox where sent_at is null and failed_at is null and created_at < now() - interval '${thresholds.unsentSeconds} seconds'`,
  );
  const late = rows[0]?.late ?? 0;
  if (late === 0) return ok('outbox', 'no message is overdue');
  return fail(
    'outbox',
    `${count(late, 'message')} unsent, the oldest for ${rows[0]?.seconds} s`,
    `they are sent when Kafka accepts them; see ${home.logs}/functions.log and kafka.log`,
  );
}

async function checkSlots(): Promise<DoctorFinding> {
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
      'the catalogue has no slots',
      'stop the stack and start it again: the start creates them',
    );
  if (closed.length === 0) return ok('slots', `${rows.length}, all open`);
  const detail = `${closed.length} of ${rows.length} closed after a lost worker: ${closed.join(', ')}`;
  const fix = 'they open by themselves, at once when their partition is delivered again';
  return closed.length === rows.length ? fail('slots', detail, fix) : warn('slots', detail, fix);
}
