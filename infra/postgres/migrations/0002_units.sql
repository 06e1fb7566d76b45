-- Up Migration

-- A rerun of an export is a new run under the same id, with its own units and attempts.
alter table exports
  add column run integer not null default 1,
  -- When the run was requested: its place in the queue, and from when the files of earlier runs may be deleted.
  add column queued_at timestamptz not null default now(),
  add column estimated_seconds integer;

alter table units
  add column run integer not null default 1,
  -- Its share of the rows: {"column", "type", "nullable", "from", "to"}; null for all of them.
  add column range json,
  -- The result of its last attempt; the finalize unit assembles the results of the read units.
  add column outcome json,
  add column object_key text,
  -- Where a finalize unit continues after it yielded.
  add column checkpoint json,
  drop constraint units_export_id_kind_ordinal_key,
  add unique (export_id, run, kind, ordinal);
create index units_by_source on units (source) where state in ('dispatched', 'running');

alter table attempts
  -- Why it failed: {"code", "message"}.
  add column failure json,
  -- The object that it completed, if an earlier attempt had started it.
  add column completing_key text,
  drop constraint attempts_state_check,
  add constraint attempts_state_check check (state in
    ('running', 'done', 'lost', 'retried', 'yielded', 'failed', 'cancelled'));

-- The next turn is that of the account that was served least recently.
alter table accounts add column served_at timestamptz;

-- Set by an operator: nothing is read from the source until the pause is removed.
create table source_pauses (
  source text primary key,
  reason text not null,
  paused_by uuid not null references accounts,
  paused_at timestamptz not null default now()
);
