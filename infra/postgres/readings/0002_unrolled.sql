-- Up Migration

-- Returns the times whose rollups the sweep has yet to compute; `ends_at` is exclusive. It is for roles that may not see
-- rollup_backfills, which would otherwise be one of their datasets.
create function readings_unrolled() returns table (starts_at timestamptz, ends_at timestamptz)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select next_at, until from public.rollup_backfills where next_at < until
$$;
