-- Up Migration

-- When the last pass of the sweep ended: the one row that says that it still comes by.
create table sweep_passes (
  one boolean primary key default true check (one),
  ended_at timestamptz not null
);

-- What health looks for: without reading the queue, the outbox or the units that are done.
create index units_waiting_by_source on units (source, created_at) where state = 'queued';
create index outbox_dead_letters on outbox (created_at) where topic like '%.dlq';

-- A message that can never be sent is set aside, so that the others are sent.
alter table outbox add column if not exists failed_at timestamptz;
create index outbox_set_aside on outbox (failed_at) where failed_at is not null;
