-- Up Migration

-- A retried export is a new run of the same id: its units and attempts are its own.
alter table exports
  add column run integer not null default 1,
  -- When the run was asked for: its place in the queue, and when the files of earlier runs may go.
  add column queued_at timestamptz not null default now(),
  add column estimated_seconds integer;

alter table units
  add column run integer not null default 1,
  -- Its share of the rows: {"column", "type", "nullable", "from", "to"}; null for all of them.
  add column range json,
  -- What its last attempt made: of a read unit, for the finalize unit to put together.
  add column outcome json,
  add column object_key text,
  -- Where a finalize unit that yielded goes on.
  add column checkpoint json,
  drop constraint units_export_id_kind_ordinal_key,
  add unique (export_id, run, kind, ordinal);
create index units_by_source on units (source) where state in ('dispatched', 'running');

alter table attempts
  -- Why it came to nothing: {"code", "message"}.
  add column failure json,
  -- The object it completed, if that is one which a former attempt began.
  add column completing_key text,
  drop constraint attempts_state_check,
  add constraint attempts_state_check check (state in
    ('running', 'done', 'lost', 'retried', 'yielded', 'failed', 'cancelled'));

-- Whose turn it is: the account that was served least recently.
alter table accounts add column served_at timestamptz;

-- An operator's word: nothing is read from the source until it is taken back.
create table source_pauses (
  source text primary key,
  reason text not null,
  paused_by uuid not null references accounts,
  paused_at timestamptz not null default now()
);
