import { countedPlaces } from '../contracts/queue.ts';

/**
 * Whose turn it is: the one place for dispatch, which decides, and for the status document, which predicts.
 *
 * Accounts take turns: next is the one that was served least recently, of its waiting units the one that puts a file
 * together, else one of its oldest export. What may hold a unit back it has in common with others: they stand in one
 * *line* (`queue_lines`, kept by triggers on `units`), which is one account, one source, one lane, one number of
 * connections. The lines of all accounts that agree in the last three are a *class*, in which all are held back or
 * none is. So a question costs a look at each class (a handful for each source) and at its first lines, however many
 * units wait, and however many of them may not run. What runs is read from the units in slots, of which there are as
 * many as slots: no counter has to be kept in step.
 */

/** A unit that runs longer is a long one, whatever was estimated; by the estimate: `place_unit` of the catalogue. */
const longSeconds = 120;

/** The classes in which somebody waits, found by jumping from one to the next in the index. */
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

const isPaused = (source: string): string =>
  `exists (select 1 from source_pauses p where p.source = ${source})`;

/** The units of line `l`, in their order. */
const unitsOfLine = `
  from units u
  where u.owner_id = l.owner_id and u.source = l.source and u.lane = l.lane
    and u.planned_connections = l.connections and u.state = 'queued' and not u.delayed`;

/**
 * Chooses the next unit and a slot for it: the one used least recently.
 *
 * A class is open if its source is not paused and has connections left in its budget (backends of lost attempts count
 * until their slot reopens), and if it is not of long snapshots when half of the slots have long units already. An
 * account may begin another export while fewer than $2 of its own run, and goes on with those that run; it never gets
 * the last slot, so that there is one for whoever comes next.
 *
 * $1 budget by source, $2 exports an account may have running, $3 exports to pass over.
 */
export const chooseUnit = `
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
    ) held group by source
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
    -- One by one: they are few, accounts may be many.
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
  select it.id as unit_id, it.export_id, it.owner_id, free.partition,
    (select count(*) from free) = 1 as is_last_slot,
    it.served_at is distinct from coalesce(a.served_at, '-infinity') as line_is_behind
  from (select partition from free order by last_used_at nulls first, partition limit 1) free
  cross join (select * from first union all select * from continued) it
  join accounts a on a.id = it.owner_id
  order by a.served_at nulls first, it.place, it.export_id, it.ordinal
  limit 1`;

/**
 * A recursive \`with\` item \`head\`: the first exports of the queue by id, with \`position\` from 0 and the \`seconds\` of
 * those before, in the order in which dispatch will take them if all may run: one of each account in turn. Exports
 * that are begun have their turns, too, but no number. Those of paused sources are left out.
 */
export const headOfQueue = (usualSeconds: number): string => `
  ${classes}, open as materialized (
    select c.* from classes c where c.lane = 'finalize' or not ${isPaused('c.source')}
  ), owners as (
    -- One row each: a line that another held when its account had its turn is behind the others for a moment.
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
      sum(coalesce(e.estimated_seconds, ${usualSeconds})) over in_turn
        - coalesce(e.estimated_seconds, ${usualSeconds}) as seconds
    from (select * from turns where turn > 0 limit ${countedPlaces}) t
    join exports e on e.id = t.export_id and e.state = 'queued'
    window in_turn as (order by t.turn, t.served_at, t.since, t.owner_id)
  )`;
