import { activeStates } from '../exports/states.ts';
import { catalogue } from '../runtime/catalogue.ts';
import { config } from '../runtime/config.ts';
import { thresholds } from './thresholds.ts';

/** Ages in seconds, null where there is nothing to be old. */
export interface CatalogueMeasures {
  /** The oldest message of the outbox that was not sent. */
  unsentSeconds: number | null;
  /** Messages set aside lately because they can never be sent, at most `mostCounted`. */
  setAside: number;
  /** The unit that waits longest of those that could run now. */
  waitingSeconds: number | null;
  /** The unit that was given out longest ago and that no worker has begun. */
  untakenSeconds: number | null;
  /** The end of the last pass of the sweep. */
  sweepSeconds: number | null;
  slots: number;
  closedSlots: number;
  /** Messages sent to the dead-letter topics lately, at most `mostCounted`. */
  deadLetters: number;
}

/** Counting goes no further: it says that there are many. */
const mostCounted = 1_000;
/** Units looked at for each source. Those in front of them wait for their account, and there are few such accounts. */
const mostLookedAt = 500;
/** A slot may be free for as long as it takes to give it to the next. */
const handoverSeconds = 15;
/** Snapshots that take longer share half of the slots (dispatch.ts): they wait for other reasons. */
const longSeconds = 120;

/**
 * Every part of it is one step into an index, or bounded: asked while 100,000 units wait it costs as much as with ten.
 * The range of (source, created_at) is one of the index for it; by two conditions the planner takes another index and
 * reads it all.
 *
 * $1 sources, $2 budgets by source, $3 exports that an account may have running, $4 states of an export that is made.
 */
const measure = `
  with busy as (
    select u.export_id, u.source, u.planned_connections, e.owner_id
    from units u join exports e on e.id = u.export_id
    where u.state in ('dispatched', 'running')
  ), used as (
    select source, sum(planned_connections) as connections from busy group by source
  ), owners as (
    select owner_id, count(distinct export_id) as running from busy group by owner_id
  ), waiting as (
    select min(w.since) as since
    from unnest($1::text[]) as wanted(name)
    cross join lateral (
      select u.export_id, u.run, u.kind, u.planned_connections, greatest(u.created_at, u.not_before) as since
      from units u
      where u.state = 'queued' and u.not_before <= now()
        and (u.source, u.created_at) >= (wanted.name, '-infinity')
        and (u.source, u.created_at)
          < (wanted.name, now() - interval '${thresholds.waitingSeconds} seconds')
      order by u.source, u.created_at limit ${mostLookedAt}
    ) w
    join exports e on e.id = w.export_id and e.run = w.run
    left join used on used.source = wanted.name
    left join owners on owners.owner_id = e.owner_id
    where e.state = any($4) and e.cancel_requested_at is null
      and (w.kind = 'finalize' or (
        not exists (select 1 from source_pauses p where p.source = wanted.name)
        and coalesce(used.connections, 0) + w.planned_connections <= ($2::jsonb ->> wanted.name)::integer))
      and (coalesce(owners.running, 0) < $3
        or exists (select 1 from busy where busy.export_id = e.id))
      and (e.units_total > 1 or coalesce(e.estimated_seconds, 0) <= ${longSeconds})
  ), stalled as (
    select exists (
      select 1 from slots s
      where (s.closed_until is null or s.closed_until < now())
        and not exists (select 1 from units u
          where u.partition = s.partition and u.state in ('dispatched', 'running'))
    ) and not exists (
      select 1 from slots where last_used_at > now() - interval '${thresholds.waitingSeconds} seconds'
    ) and not exists (
      select 1 from attempts
      where cleared_at is null and ended_at > now() - interval '${handoverSeconds} seconds'
    ) as yes
  )
  select
    (select extract(epoch from now() - created_at)::integer from outbox
      where sent_at is null and failed_at is null order by id limit 1) as "unsentSeconds",
    (select count(*) from (select 1 from outbox
      where failed_at > now() - interval '${thresholds.setAsideSeconds} seconds'
      limit ${mostCounted}) aside) as "setAside",
    (select case when stalled.yes then extract(epoch from now() - since)::integer end
      from stalled, waiting) as "waitingSeconds",
    (select extract(epoch from now() - min(o.sent_at))::integer
      from units u join outbox o on o.dispatch_id = u.dispatch_id
      where u.state = 'dispatched') as "untakenSeconds",
    (select extract(epoch from now() - ended_at)::integer from sweep_passes) as "sweepSeconds",
    (select count(*) from slots) as slots,
    (select count(*) from slots where closed_until > now()) as "closedSlots",
    (select count(*) from (select 1 from outbox
      where topic like '%.dlq' and created_at > now() - interval '${thresholds.deadLetterSeconds} seconds'
      limit ${mostCounted}) letters) as "deadLetters"`;

/** Throws if the catalogue does not answer. */
export async function pingCatalogue(): Promise<void> {
  await catalogue().query('select 1');
}

/** Throws if the catalogue does not answer. */
export async function measureCatalogue(): Promise<CatalogueMeasures> {
  const { sources, runningExportsPerAccount } = config();
  const budgets = Object.fromEntries(
    [...sources].map(([name, { maxConnections }]) => [name, maxConnections]),
  );
  const { rows } = await catalogue().query<CatalogueMeasures>(measure, [
    [...sources.keys()],
    JSON.stringify(budgets),
    runningExportsPerAccount,
    activeStates,
  ]);
  const [measured] = rows;
  if (measured === undefined) throw new Error('the catalogue gave no answer about health');
  return measured;
}
