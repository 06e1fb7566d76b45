-- Up Migration

-- When the last pass of the sweep ended: the one row that says that it still comes by.
create table sweep_passes (
  one boolean primary key default true check (one),
  ended_at timestamptz not null
);

-- What health looks for: without reading the queue, the outbox or the units that are done.
create index units_waiting_by_source on units (source, created_at) where state = 'queued';
create index outbox_dead_letters on outbox (created_at) where topic like '%.dlq';
