-- Up Migration

-- The connections that questions about sources have now, over all processes: what is in a source, estimates,
-- first rows. Those of exports are counted by their units. A row that is not deleted counts until `held_until`,
-- by when the server has ended what it was for. Nothing of it has to outlive a crash of the catalogue.
create unlogged table source_connections (
  id uuid primary key,
  source text not null,
  -- Null: the system's own.
  account_id uuid,
  held_until timestamptz not null
);
create index source_connections_by_source on source_connections (source);

-- The preview that an account waits for: one at a time, over all processes.
create unlogged table previews (
  account_id uuid primary key,
  id uuid not null,
  held_until timestamptz not null
);
