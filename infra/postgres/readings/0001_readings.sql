-- Up Migration

-- The readings store, in the database of a source. It may already have the tables of the demo data: then the columns and
-- indexes that ingest needs are added to them.

-- The runner's own table: default privileges of the demo let every role read it.
revoke all on readings_migrations from public;

create table if not exists series (
  series text primary key,
  unit text not null,
  site text not null default '',
  attributes jsonb not null default '{}'
);
alter table series alter column site set default '', alter column attributes set default '{}';

create table if not exists readings (
  series text not null,
  at timestamptz not null,
  value double precision,
  attributes jsonb
) partition by range (at);

-- Where the reading came from; null: it was not ingested from Kafka.
alter table readings
  add column if not exists stream_id smallint,
  add column if not exists kafka_partition integer,
  add column if not exists kafka_offset bigint;

-- Readings of months without a partition. The sweep watches it.
create table if not exists readings_other partition of readings default;

create unique index if not exists readings_series_at_key on readings (series, at);
create index if not exists readings_at on readings (at);
-- Live clients that were away read on from a Kafka offset.
create index if not exists readings_by_offset on readings (stream_id, kafka_partition, kafka_offset)
  where stream_id is not null;

-- A topic that is deleted and created again starts a new epoch: its offsets begin at 0 once more.
create table ingest_streams (
  stream_id smallint generated always as identity primary key,
  topic text not null,
  epoch integer not null,
  topic_id uuid,
  unique (topic, epoch)
);
create unique index ingest_streams_by_topic_id on ingest_streams (topic, topic_id);

-- The readings of all lower offsets are stored. Locked and advanced in the transaction that stores them.
create table ingest_progress (
  topic text not null,
  partition integer not null,
  epoch integer not null,
  next_offset bigint not null,
  updated_at timestamptz not null default now(),
  primary key (topic, partition, epoch)
);

-- Rollups: one row for each series and minute (hour) with readings whose values are finite numbers. `at` is its start.
create table readings_1m (
  series text not null,
  at timestamptz not null,
  min double precision not null,
  max double precision not null,
  sum double precision not null,
  last double precision not null,
  last_at timestamptz not null,
  count bigint not null,
  primary key (series, at)
);
create table readings_1h (like readings_1m including all);

-- Partitions whose readings were not ingested, so that the sweep has to compute their rollups: from `next_at` on.
create table rollup_backfills (
  partition text primary key,
  next_at timestamptz not null,
  until timestamptz not null,
  check (next_at <= until)
);
revoke all on rollup_backfills from public;

-- Returns the partition name of a month: readings_2026_11.
create function readings_partition_name(month date) returns text
immutable strict parallel safe
return 'readings_' || pg_catalog.to_char(month, 'YYYY_MM');

-- Creates the partition of the month that contains a day, and moves its readings out of the default partition. Returns
-- how many it moved, or null if the partition exists.
create function readings_create_partition(day date) returns bigint
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  month date := date_trunc('month', day::timestamp)::date;
  name text := readings_partition_name(month);
  lower_bound timestamptz := month::timestamp at time zone 'UTC';
  upper_bound timestamptz := (month + interval '1 month') at time zone 'UTC';
  moved bigint;
begin
  if to_regclass('public.' || name) is not null then return null; end if;
  -- No reading of the month may be added to the default partition from here on.
  lock table public.readings_other in access exclusive mode;
  if to_regclass('public.' || name) is not null then return null; end if;
  execute format('create table public.%I (like public.readings including defaults including indexes)', name);
  execute format(
    'with moved as (delete from public.readings_other where at >= $1 and at < $2 returning *)
     insert into public.%I select * from moved', name) using lower_bound, upper_bound;
  get diagnostics moved = row_count;
  execute format('alter table public.readings attach partition public.%I for values from (%L) to (%L)',
    name, lower_bound, upper_bound);
  return moved;
end $$;

-- Drops the monthly partitions that end at or before an instant. Returns their names.
create function readings_drop_partitions(before timestamptz) returns setof text
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  name text;
begin
  for name in
    select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'public.readings'::regclass and c.relname ~ '^readings_\d{4}_\d\d$'
      and (to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month') at time zone 'UTC' <= before
    order by c.relname
  loop
    execute format('drop table public.%I', name);
    delete from public.rollup_backfills where partition = name;
    return next name;
  end loop;
end $$;

-- Gives a role the rights of ingest and of the sweep, and no others.
create function readings_grant_writer(writer name) returns void
language plpgsql set search_path = pg_catalog, public, pg_temp as $$
begin
  execute format('grant usage on schema public to %I', writer);
  execute format('grant select, insert, update on public.series, public.ingest_progress to %I', writer);
  execute format('grant select, insert on public.ingest_streams to %I', writer);
  execute format('grant select, insert, update, delete on public.readings, public.readings_1m, public.readings_1h,
    public.rollup_backfills to %I', writer);
  execute format('grant select on public.readings_other to %I', writer);
  execute format('grant execute on function public.readings_create_partition(date),
    public.readings_drop_partitions(timestamptz) to %I', writer);
end $$;
revoke execute on function readings_create_partition(date), readings_drop_partitions(timestamptz),
  readings_grant_writer(name) from public;

-- Every partition that exists now may hold readings without rollups. The default partition has no bounds of its own.
insert into rollup_backfills (partition, next_at, until)
select c.relname, bounds.month at time zone 'UTC', (bounds.month + interval '1 month') at time zone 'UTC'
from pg_inherits i join pg_class c on c.oid = i.inhrelid
  cross join lateral (select to_date(right(c.relname, 7), 'YYYY_MM')::timestamp as month) bounds
where i.inhparent = 'readings'::regclass and c.relname ~ '^readings_\d{4}_\d\d$';

-- This month and the next two; the sweep creates the later ones.
select readings_create_partition((date_trunc('month', now() at time zone 'UTC') + ahead * interval '1 month')::date)
from generate_series(0, 2) as ahead;
