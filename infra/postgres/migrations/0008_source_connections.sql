-- Up Migration

-- The current connections of questions about sources, over all processes: datasets, estimates, previews. Connections of
-- exports are counted by their units. A row that is not deleted counts until `held_until`, by when the server has ended
-- the statement. The table is unlogged because its rows need not survive a crash of the catalogue.
create unlogged table source_connections (
  id uuid primary key,
  source text not null,
  -- The account of the question; null: the system's own, or an idle connection.
  account_id uuid,
  -- Open and unused, kept briefly for the next question of its process.
  idle boolean not null default false,
  held_until timestamptz not null
);
create index source_connections_by_source on source_connections (source);

-- Takes one of the `most` connections that a source has for questions: a new one, or the idle one with that id. An
-- account gets another connection only if more are free than it has already: alone it gets half of them, and an account
-- without any finds a free one, however slow the questions of the others are. One more is for the system itself.
create function take_source_connection(connection uuid, of_source text, account uuid, most integer, seconds float8)
returns boolean language plpgsql as $$
declare
  own integer;
  taken integer;
  opened integer;
  system integer;
begin
  -- What is counted must not change before it is written.
  perform pg_advisory_xact_lock(hashtext('source_connections'), hashtext(of_source));
  delete from source_connections where source = of_source and held_until < clock_timestamp();
  select count(*) filter (where account_id = account), count(account_id),
      count(*) filter (where (idle or account_id is not null) and id <> connection),
      count(*) filter (where account_id is null and not idle)
    into own, taken, opened, system
    from source_connections where source = of_source;
  if account is null then
    if system > 0 then return false; end if;
  elsif own >= most - taken or opened >= most then
    return false;
  end if;
  insert into source_connections (id, source, account_id, held_until)
  values (connection, of_source, account, clock_timestamp() + make_interval(secs => seconds))
  on conflict (id) do update
    set account_id = excluded.account_id, idle = false, held_until = excluded.held_until;
  return true;
end $$;

-- The preview that an account waits for, one at a time over all processes.
create unlogged table previews (
  account_id uuid primary key,
  id uuid not null,
  held_until timestamptz not null
);
