-- Up Migration

-- Names and values of headers are arbitrary bytes: they are stored as pairs in base64, because jsonb has no NUL.
update outbox set headers = coalesce(
  (select jsonb_agg(jsonb_build_array(
      encode(convert_to(header ->> 'key', 'UTF8'), 'base64'), header ->> 'value') order by place)
    from jsonb_array_elements(headers) with ordinality as pairs (header, place)),
  '[]');

alter table outbox
  -- When Kafka rejected the message permanently, and why: it is set aside, and later messages are sent.
  add column failed_at timestamptz,
  add column failure text,
  -- About its size in a batch, so that the relay loads only what it sends.
  add column bytes integer not null generated always as (
    coalesce(octet_length(key), 0) + coalesce(octet_length(value), 0) + octet_length(headers::text)) stored,
  add check (failed_at is null or sent_at is null);

-- The relay sends each partition independently; -1 is for messages whose partition the client chooses.
drop index outbox_unsent;
create index outbox_unsent on outbox (topic, coalesce(partition, -1), id)
  where sent_at is null and failed_at is null;
create index outbox_failed on outbox (failed_at) where failed_at is not null;

-- How often a Kafka record was delivered to its function. The row is written before the record is handled, so that a
-- record which ends or hangs the process counts as well, and deleted when the record is done.
create table deliveries (
  topic text not null,
  partition integer not null,
  "offset" bigint not null,
  times integer not null default 1,
  last_at timestamptz not null default now(),
  primary key (topic, partition, "offset")
);
create index deliveries_by_age on deliveries (last_at);
