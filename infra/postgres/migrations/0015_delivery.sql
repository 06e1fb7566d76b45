-- Up Migration

-- Names a ticket in logs and events, which never have its secret.
alter table tickets add column id uuid not null default gen_random_uuid();

-- Each response that sent bytes of a file, recorded once by the request id of NGINX.
create table file_deliveries (
  request_id text primary key,
  export_id uuid not null references exports on delete cascade,
  account_id uuid not null references accounts on delete cascade,
  ticket_id uuid not null,
  object_key text not null,
  -- When the response ended.
  at timestamptz not null,
  recorded_at timestamptz not null default now(),
  address text not null,
  status integer not null,
  first_byte bigint not null,
  -- Sent of the file from there on.
  bytes bigint not null,
  -- Whether the response was sent to its end.
  complete boolean not null
);
create index file_deliveries_by_export on file_deliveries (export_id);
create index file_deliveries_by_age on file_deliveries (recorded_at);

-- What an account has received of an object: the union of the ranges of all responses.
create table delivered_ranges (
  object_key text not null,
  account_id uuid not null references accounts on delete cascade,
  ranges int8multirange not null,
  updated_at timestamptz not null default now(),
  primary key (object_key, account_id)
);
create index delivered_ranges_by_age on delivered_ranges (updated_at);
