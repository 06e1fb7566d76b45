-- Up Migration

-- When the last pass of the sweep ended: the one row that says that it still comes by.
create table sweep_passes (
  one boolean primary key default true check (one),
  ended_at timestamptz not null
);

-- What health looks for in the outbox without reading it. The relay's own index goes by partition.
create index outbox_dead_letters on outbox (created_at) where topic like '%.dlq';
create index outbox_oldest_unsent on outbox (created_at) where sent_at is null and failed_at is null;
