-- Up Migration

-- Each unit has the columns that decide its turn, so that no query about the queue has to read the whole queue.
alter table units
  add column owner_id uuid,
  -- Its place among the units of its account: when its run was requested; a finalize unit is before all others.
  add column place timestamptz,
  -- What may delay it: long snapshots share half of the slots, finalize units wait for nothing.
  add column lane text check (lane in ('finalize', 'ordinary', 'long')),
  -- Whether it waits for not_before.
  add column delayed boolean not null default false,
  add column running_since timestamptz;

create function place_unit() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    select e.owner_id,
      case when new.kind = 'finalize' then '-infinity' else e.queued_at end,
      case when new.kind = 'finalize' then 'finalize'
        when e.units_total = 1 and e.estimated_seconds > 120 then 'long'
        else 'ordinary' end
    into new.owner_id, new.place, new.lane
    from exports e where e.id = new.export_id;
  end if;
  new.delayed := new.not_before > now();
  return new;
end $$;

update units u set
  owner_id = e.owner_id,
  place = case when u.kind = 'finalize' then '-infinity' else e.queued_at end,
  lane = case when u.kind = 'finalize' then 'finalize'
    when e.units_total = 1 and e.estimated_seconds > 120 then 'long'
    else 'ordinary' end,
  delayed = u.not_before > now(),
  running_since = (select a.started_at from attempts a where a.id = u.attempt_id)
from exports e where e.id = u.export_id;

alter table units
  alter column owner_id set not null,
  alter column place set not null,
  alter column lane set not null;
create trigger units_place before insert or update of not_before on units
  for each row execute function place_unit();

create index units_waiting on units
  (owner_id, source, lane, planned_connections, place, export_id, ordinal)
  where state = 'queued' and not delayed;
create index units_delayed on units (not_before) where state = 'queued' and delayed;

-- The heads of the queue: a row for each account with waiting units, and for each group of them that may be delayed
-- independently. Dispatch reads only the first row of each group, however long the queue is.
create table queue_lines (
  owner_id uuid not null,
  source text not null,
  lane text not null,
  connections integer not null,
  -- When the account was served last, as in accounts; an account that was never served is before all others.
  served_at timestamptz not null,
  -- The place of the first unit of the line: it orders the accounts that were never served.
  since timestamptz not null,
  primary key (owner_id, source, lane, connections)
);
create index queue_lines_in_order on queue_lines
  (source, lane, connections, served_at, since, owner_id);

-- Locks the row, so that a transaction that found the line empty cannot delete it.
create function enter_queue_line() returns trigger language plpgsql as $$
begin
  loop
    insert into queue_lines (owner_id, source, lane, connections, served_at, since)
    select new.owner_id, new.source, new.lane, new.planned_connections,
      coalesce(a.served_at, '-infinity'), new.place
    from accounts a where a.id = new.owner_id
    on conflict do nothing;
    perform 1 from queue_lines
    where owner_id = new.owner_id and source = new.source and lane = new.lane
      and connections = new.planned_connections
    for key share;
    exit when found;
  end loop;
  return null;
end $$;

-- A line that a unit is just entering stays: it is checked again when it is locked. A line whose last two units leave at
-- the same time stays as well: dispatch reads it once more than needed, and the sweep removes it.
create function remove_line_if_empty(owner uuid, of_source text, of_lane text, of_connections integer)
returns boolean language plpgsql as $$
begin
  for look in 1..2 loop
    perform 1 from units
    where owner_id = owner and source = of_source and lane = of_lane
      and planned_connections = of_connections and state = 'queued' and not delayed
    limit 1;
    if found then return false; end if;
    if look = 1 then
      perform 1 from queue_lines
      where owner_id = owner and source = of_source and lane = of_lane and connections = of_connections
      for update skip locked;
      if not found then return false; end if;
    end if;
  end loop;
  delete from queue_lines
  where owner_id = owner and source = of_source and lane = of_lane and connections = of_connections;
  return true;
end $$;

create function leave_queue_line() returns trigger language plpgsql as $$
begin
  perform remove_line_if_empty(old.owner_id, old.source, old.lane, old.planned_connections);
  return null;
end $$;

create trigger units_enter_queue after insert on units
  for each row when (new.state = 'queued' and not new.delayed)
  execute function enter_queue_line();
create trigger units_return_to_queue after update on units
  for each row when (new.state = 'queued' and not new.delayed
    and (old.state <> 'queued' or old.delayed))
  execute function enter_queue_line();
create trigger units_leave_queue after update on units
  for each row when (old.state = 'queued' and not old.delayed
    and (new.state <> 'queued' or new.delayed))
  execute function leave_queue_line();
create trigger units_deleted_from_queue after delete on units
  for each row when (old.state = 'queued' and not old.delayed)
  execute function leave_queue_line();

insert into queue_lines (owner_id, source, lane, connections, served_at, since)
select u.owner_id, u.source, u.lane, u.planned_connections,
  coalesce(max(a.served_at), '-infinity'), min(u.place)
from units u join accounts a on a.id = u.owner_id
where u.state = 'queued' and not u.delayed
group by u.owner_id, u.source, u.lane, u.planned_connections;

create index exports_waiting on exports (owner_id) where state = 'queued';
create index exports_in_progress on exports (id)
  where state in ('dispatched', 'running', 'completing');
-- Earlier exports, for estimates, without the queue, whose exports have no files.
create index exports_with_file on exports (id) where file is not null;
drop index exports_object_to_delete;
create index exports_object_to_delete on exports (id)
  where object_key is not null and object_deleted_at is null
    and (deleted_at is not null or state = 'expired');

-- Its object is a file, or a unit output that an unfinished export needs: the sweep ignores the attempt.
alter table attempts add column kept boolean not null default false;
update attempts a set kept = true from exports e
  where e.id = a.export_id and a.cleared_at is null and (e.object_key = a.object_key
    or (e.state in ('queued', 'dispatched', 'running', 'completing') and a.state in ('done', 'yielded')));
drop index attempts_to_clear;
create index attempts_to_clear on attempts (ended_at)
  where cleared_at is null and ended_at is not null and not kept;
create index attempts_by_export on attempts (export_id);
create index attempts_lost on attempts (partition, "offset") where state = 'lost';
