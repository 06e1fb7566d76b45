-- Up Migration

-- Who changed what, from where. In a schema of its own, because the owner of `public` could drop any table in it:
-- `audit.protect` gives the schema to another role, after which the functions' role may insert and read, and no more.
create schema audit;

create table audit.entries (
  id bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(),
  -- Null: not an account, or an unknown one. Entries outlive accounts, so there is no foreign key.
  actor_id uuid,
  -- The email of the account, or the name of a part of the system.
  actor text not null check (octet_length(actor) <= 1280),
  action text not null check (octet_length(action) <= 64),
  target text check (octet_length(target) <= 2048),
  export_id uuid,
  -- Of the client, as NGINX saw it.
  address text check (octet_length(address) <= 64),
  outcome text not null check (outcome in ('done', 'refused', 'failed')),
  details jsonb not null default '{}' check (jsonb_typeof(details) = 'object' and octet_length(details::text) <= 8192)
);
create index entries_by_time on audit.entries (at);
create index entries_by_actor on audit.entries (lower(actor), id desc);
create index entries_by_action on audit.entries (action, id desc);
create index entries_by_export on audit.entries (export_id, id desc) where export_id is not null;

-- How long entries are kept, in a single row. The functions' role cannot change it.
create table audit.settings (
  one boolean primary key default true check (one),
  retention_days int not null default 400 check (retention_days between 1 and 36500)
);
insert into audit.settings default values;

-- Deletes the oldest entries that are older than the retention. Returns how many.
create function audit.remove_expired() returns bigint
language sql security definer set search_path = pg_catalog, pg_temp as $$
  with removed as (
    delete from audit.entries where ctid = any(array(
      select ctid from audit.entries
      where at < now() - make_interval(days => (select retention_days from audit.settings))
      order by at limit 5000))
    returning 1)
  select count(*) from removed
$$;

-- Makes the entries append-only for the role of the functions, and sets the retention. A superuser calls it after the
-- migrations; `keeper` is a role that cannot log in.
create function audit.protect(functions_role name, keeper name, days int) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  update audit.settings set retention_days = days where retention_days <> days;
  execute format('alter table audit.entries owner to %I', keeper);
  execute format('alter table audit.settings owner to %I', keeper);
  execute format('alter function audit.remove_expired() owner to %I', keeper);
  execute format('alter function audit.protect(name, name, int) owner to %I', keeper);
  execute format('alter schema audit owner to %I', keeper);
  execute format('revoke all on all tables in schema audit from %I', functions_role);
  execute format('revoke all on all functions in schema audit from public, %I', functions_role);
  execute format('revoke all on schema audit from %I', functions_role);
  execute format('grant usage on schema audit to %I', functions_role);
  execute format('grant select on audit.entries to %I', functions_role);
  -- Not `id` and `at`: an entry cannot be dated back.
  execute format('grant insert (actor_id, actor, action, target, export_id, address, outcome, details)
    on audit.entries to %I', functions_role);
  execute format('grant execute on function audit.remove_expired() to %I', functions_role);
end $$;
revoke execute on function audit.remove_expired(), audit.protect(name, name, int) from public;

-- What was done with a dead letter. Kafka keeps the record itself.
create table dead_letter_dispositions (
  topic text not null,
  -- Offsets count from 0 again in a topic that was deleted and created again.
  topic_id uuid not null,
  partition int not null,
  "offset" bigint not null,
  disposition text not null check (disposition in ('replayed', 'discarded')),
  account_id uuid references accounts on delete set null,
  at timestamptz not null default now(),
  primary key (topic, topic_id, partition, "offset")
);
create index dead_letter_dispositions_by_age on dead_letter_dispositions (at);

-- Quotas of an account. Null: the default of the configuration.
alter table accounts
  add max_running_exports int check (max_running_exports > 0),
  add max_rows_per_day bigint check (max_rows_per_day > 0),
  add max_bytes_per_day bigint check (max_bytes_per_day > 0);

-- What the units of an account have written, by day (UTC) of their end.
create table daily_usage (
  account_id uuid not null references accounts on delete cascade,
  day date not null,
  rows bigint not null default 0,
  bytes bigint not null default 0,
  primary key (account_id, day)
) with (fillfactor = 50);

-- Reserved for an export until it has ended.
alter table exports add estimated_bytes bigint;

-- The instance of the function that runs or ran it.
alter table attempts add worker text;

-- Counted at each creation.
create index exports_unfinished_by_owner on exports (owner_id)
  where state in ('queued', 'dispatched', 'running', 'completing');

-- For lists and statistics over all accounts.
create index exports_by_creation on exports (created_at);
