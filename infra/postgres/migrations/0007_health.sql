-- Up Migration

-- When the last pass of the sweep ended, in a single row: health reports a sweep that has stopped.
create table sweep_passes (
  one boolean primary key default true check (one),
  ended_at timestamptz not null
);

-- Indexes of the outbox for health. The relay's own index is by partition.
create index outbox_dead_letters on outbox (created_at) where topic like '%.dlq';
create index outbox_oldest_unsent on outbox (created_at) where sent_at is null and failed_at is null;
