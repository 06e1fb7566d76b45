-- Up Migration

-- Names and values of headers are bytes that others chose: pairs in base64, as jsonb has no NUL.
update outbox set headers = coalesce(
  (select jsonb_agg(jsonb_build_array(
      encode(convert_to(header ->> 'key', 'UTF8'), 'base64'), header ->> 'value') order by place)
    from jsonb_array_elements(headers) with ordinality as pairs (header, place)),
  '[]');

alter table outbox
  -- When Kafka refused the message for good, and why: it was put aside, the others went on.
  add column failed_at timestamptz,
  add column failure text,
  -- About what it takes in a batch, so that a relay loads no more than it sends.
  add column bytes integer not null generated always as (
    coalesce(octet_length(key), 0) + coalesce(octet_length(value), 0) + octet_length(headers::text)) stored,
  add check (failed_at is null or sent_at is null);

-- The relay goes on in each partition by itself; -1 are messages whose partition the client chooses.
drop index outbox_unsent;
create index outbox_unsent on outbox (topic, coalesce(partition, -1), id)
  where sent_at is null and failed_at is null;
create index outbox_failed on outbox (failed_at) where failed_at is not null;

-- How often a Kafka record was given to its function, written before it is handled, so that one which
-- ends or hangs the process counts as well. The row goes when the record is through.
create table deliveries (
  topic text not null,
  partition integer not null,
  "offset" bigint not null,
  times integer not null default 1,
  last_at timestamptz not null default now(),
  primary key (topic, partition, "offset")
);
create index deliveries_by_age on deliveries (last_at);
