import { countedPlaces } from '../contracts/queue.ts';

/**
 * The order of the queue, for dispatch, which decides, and for the status document, which predicts.
 *
 * Accounts take turns: next is the account that was served least recently. Of its waiting units the finalize unit comes
 * first, then the units of its oldest export. Units that wait for the same reasons stand in one *line* (`queue_lines`,
 * maintained by triggers on `units`): one account, one source, one lane, one number of connections. The lines of all
 * accounts with the same source, lane and connections are a *class*: either all of them may run or all must wait. So a
 * query reads each class (a handful for each source) and its first lines, however many units wait or must wait. Running
 * units are read from the slots, at most one for each slot, so there is no counter to keep in step.
 */

/**
 * A unit that runs longer than this counts as long. By its estimate a unit is long in `place_unit` of the catalogue.
 */
const longSeconds = 120;

/** The classes with waiting units, found by a loose index scan: it jumps from one to the next. */
const classes = `
  classes as (
    (select source, lane, connections from queue_lines order by source, lane, connections limit 1)
    union all
    select following.* from classes c cross join lateral (
      select l.source, l.lane, l.connections from queue_lines l
      where (l.source, l.lane, l.connections) > (c.source, c.lane, c.connections)
      order by l.source, l.lane, l.connections limit 1
    ) following
  )`;

function isPaused(source: string): string {
  return `exists (select 1 from source_pauses p where p.source = ${source})`;
}

/** The units of line `l`. */
const unitsOfLine = `
  from units u
  where u.owner_id = l.owner_id and u.source = l.source and u.lane = l.lane
    and u.planned_connections = l.connections and u.state = 'queued' and not u.delayed`;

/**
 * Selects the next unit and a slot for it: the one used least recently.
 *
 * A class is open if its source is not paused and has connections left in its budget; backends of lost attempts count
 * until their slot reopens. A class of long units is closed while at least half of the slots have long units. An
 * account may start another export while fewer than $2 of its exports run, and may always continue those that run. An
 * account that has all busy slots does not get the last free one, so that a slot is left for another account.
 *
 * $1 connections by source, $2 exports that an account may have running, $3 exports to skip.
 */
export const selectNextUnitSql = `
  with recursive busy as materialized (
    select u.export_id, u.owner_id, u.place, u.source, u.planned_connections as connections, u.partition,
      u.lane = 'long' or u.running_since < now() - interval '${longSeconds} seconds' as long
    from units u where u.state in ('dispatched', 'running')
  ), free as materialized (
    select s.partition, s.last_used_at from slots s
    where (s.closed_until is null or s.closed_until <= now())
      and not exists (select 1 from busy where busy.partition = s.partition)
  ), owners as materialized (
    select owner_id, count(distinct export_id) >= $2 as at_limit,
      (select count(*) from free) <= 1 and count(*) = (select count(*) from busy) as has_all_but_last
    from busy group by owner_id
  ), used as (
    select source, sum(connections) as connections from (
      select source, connections from busy
      union all
      select u.source, u.planned_connections from slots s
        join attempts t on t.partition = s.partition and t."offset" = s.closed_offset and t.state = 'lost'
        join units u on u.id = t.unit_id
        where s.closed_until > now()
    ) reserved group by source
  ), ${classes}, open as materialized (
    select c.* from classes c left join used on used.source = c.source
    where c.lane = 'finalize' or (not ${isPaused('c.source')}
      and coalesce(used.connections, 0) + c.connections
        <= coalesce(($1::jsonb ->> c.source)::integer, 0)
      and (c.lane <> 'long'
        or (select count(*) from busy where long) < (select count(*) / 2 from slots)))
  ), first as (
    select line.* from open c cross join lateral (
      select l.owner_id, l.served_at, unit.* from queue_lines l
      cross join lateral (
        select u.id, u.export_id, u.place, u.ordinal ${unitsOfLine} and u.export_id <> all($3::uuid[])
        order by u.place, u.export_id, u.ordinal limit 1
      ) unit
      where l.source = c.source and l.lane = c.lane and l.connections = c.connections
        and l.owner_id not in (select owner_id from owners where at_limit or has_all_but_last)
      order by l.served_at, l.since, l.owner_id limit 1
    ) line
  ), continued as (
    select o.owner_id, a.served_at, unit.* from owners o
    -- With offset 0 accounts are read one by one: the owners are few, accounts may be many.
    cross join lateral (select served_at from accounts where id = o.owner_id offset 0) a
    cross join lateral (
      select following.*
      from (select distinct export_id, place from busy where busy.owner_id = o.owner_id) b
      join queue_lines l on l.owner_id = o.owner_id
      join open c on c.source = l.source and c.lane = l.lane and c.connections = l.connections
      cross join lateral (
        select u.id, u.export_id, u.place, u.ordinal ${unitsOfLine}
          and u.place = b.place and u.export_id = b.export_id and u.export_id <> all($3::uuid[])
        order by u.ordinal limit 1
      ) following
      order by following.place, following.export_id, following.ordinal limit 1
    ) unit
    where o.at_limit and not o.has_all_but_last
    order by a.served_at limit 1
  )
  select candidate.id as unit_id, candidate.export_id, candidate.owner_id, free.partition,
    (select count(*) from free) = 1 as is_last_slot,
    candidate.served_at is distinct from coalesce(a.served_at, '-infinity') as line_is_stale
  from (select partition from free order by last_used_at nulls first, partition limit 1) free
  cross join (select * from first union all select * from continued) candidate
  join accounts a on a.id = candidate.owner_id
  order by a.served_at nulls first, candidate.place, candidate.export_id, candidate.ordinal
  limit 1`;

/**
 * Returns the items of a recursive `with` that ends in `head`: the first exports of the queue, with `position` from 0
 * and the `seconds` of the exports before, in the order in which dispatch takes them if all may run, one of each
 * account in turn. Running exports have turns and no position. Exports of paused sources are left out.
 */
export function queueHeadSql(defaultSeconds: number): string {
  return `
  ${classes}, open as materialized (
    select c.* from classes c where c.lane = 'finalize' or not ${isPaused('c.source')}
  ), owners as (
    -- One row for each account: a line that was locked when its account was served has an older served_at for a moment.
    select owner_id, max(served_at) as served_at, min(since) as since
    from open c cross join lateral (
      select l.owner_id, l.served_at, l.since from queue_lines l
      where l.source = c.source and l.lane = c.lane and l.connections = c.connections
      order by l.served_at, l.since, l.owner_id limit ${countedPlaces}
    ) first
    group by owner_id order by max(served_at), min(since), owner_id limit ${countedPlaces}
  ), turns as (
    select 0 as turn, o.owner_id, o.served_at, o.since,
      '-infinity'::timestamptz as place, '00000000-0000-0000-0000-000000000000'::uuid as export_id
    from owners o
    union all
    select t.turn + 1, t.owner_id, t.served_at, t.since, following.place, following.export_id
    from turns t cross join lateral (
      select unit.place, unit.export_id from queue_lines l
      join open c on c.source = l.source and c.lane = l.lane and c.connections = l.connections
      cross join lateral (
        select u.place, u.export_id ${unitsOfLine} and (u.place, u.export_id) > (t.place, t.export_id)
        order by u.place, u.export_id limit 1
      ) unit
      where l.owner_id = t.owner_id
      order by unit.place, unit.export_id limit 1
    ) following
  ), head as materialized (
    select e.id, row_number() over in_turn - 1 as position,
      sum(coalesce(e.estimated_seconds, ${defaultSeconds})) over in_turn
        - coalesce(e.estimated_seconds, ${defaultSeconds}) as seconds
    from (select * from turns where turn > 0 limit ${countedPlaces}) t
    join exports e on e.id = t.export_id and e.state = 'queued'
    window in_turn as (order by t.turn, t.served_at, t.since, t.owner_id)
  )`;
}
