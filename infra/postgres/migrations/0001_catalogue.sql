-- Up Migration

create table accounts (
  id uuid primary key,
  email text not null,
  password_hash text not null,
  role text not null check (role in ('analyst', 'admin')),
  may_request_by_event boolean not null default false,
  created_at timestamptz not null default now(),
  disabled_at timestamptz
);
create unique index accounts_email on accounts (lower(email));

-- A key is stored as the SHA-256 of its secret. The secret has 256 random bits, so it needs no salt.
create table api_keys (
  id uuid primary key,
  account_id uuid not null references accounts on delete cascade,
  secret_hash bytea not null unique,
  created_at timestamptz not null default now(),
  revoked_at timestamptz
);

-- Which account may read which source.
create table grants (
  account_id uuid not null references accounts on delete cascade,
  source text not null,
  primary key (account_id, source)
);

create table exports (
  id uuid primary key,
  owner_id uuid not null references accounts,
  state text not null default 'queued' check (state in
    ('queued', 'dispatched', 'running', 'completing', 'ready', 'failed', 'cancelled', 'expired')),
  -- json, not jsonb, keeps the order of the fields for users.
  request json not null,
  -- CloudEvent id of the event that requested the export, null for the API.
  request_event_id text,
  estimated_rows bigint,
  units_total integer not null default 1,
  units_done integer not null default 0,
  cancel_requested_at timestamptz,
  created_at timestamptz not null default now(),
  started_at timestamptz,
  finished_at timestamptz,
  expires_at timestamptz,
  downloaded_at timestamptz,
  deleted_at timestamptz,
  file json,
  object_key text,
  object_deleted_at timestamptz,
  manifest json,
  error_code text,
  error_message text,
  check (state <> 'ready' or
    (file is not null and object_key is not null and manifest is not null and expires_at is not null)),
  check (state <> 'failed' or (error_code is not null and error_message is not null))
);
-- For the list of an account, newest first: ids are ordered by time (UUIDv7).
create index exports_by_owner on exports (owner_id, id desc) where deleted_at is null;
create index exports_unfinished on exports (id)
  where state in ('queued', 'dispatched', 'running', 'completing');
create index exports_to_expire on exports (expires_at) where state = 'ready';
create index exports_object_to_delete on exports (id)
  where object_key is not null and object_deleted_at is null;

-- The unit of scheduling. An export has one (snapshot) or many (resumable).
create table units (
  id uuid primary key,
  export_id uuid not null references exports on delete cascade,
  kind text not null check (kind in ('read', 'finalize')),
  ordinal integer not null default 0,
  source text not null,
  state text not null default 'queued' check (state in
    ('queued', 'dispatched', 'running', 'done', 'failed', 'cancelled')),
  planned_connections integer not null default 1,
  not_before timestamptz not null default now(),
  created_at timestamptz not null default now(),
  -- Created by dispatch; a message with another id is stale.
  dispatch_id uuid,
  partition integer,
  "offset" bigint,
  -- Created by claim; every effect of an attempt is conditional on it.
  attempt_id uuid,
  lease_until timestamptz,
  -- What the attempt has written so far.
  rows bigint not null default 0,
  bytes bigint not null default 0,
  lost_attempts integer not null default 0,
  retries integer not null default 0,
  unique (export_id, kind, ordinal)
);
create index units_queued on units (created_at) where state = 'queued';
create index units_in_slots on units (partition) where state in ('dispatched', 'running');

create table attempts (
  id uuid primary key,
  unit_id uuid not null references units on delete cascade,
  export_id uuid not null,
  partition integer not null,
  "offset" bigint not null,
  state text not null default 'running' check (state in
    ('running', 'done', 'lost', 'retried', 'failed', 'cancelled')),
  object_key text not null,
  upload_id text,
  -- What the object will be, recorded before the upload is completed.
  outcome json,
  started_at timestamptz not null default now(),
  ended_at timestamptz,
  -- When object storage was verified to have nothing of this attempt.
  cleared_at timestamptz
);
create index attempts_by_unit on attempts (unit_id, started_at);
create index attempts_to_clear on attempts (ended_at) where cleared_at is null and ended_at is not null;

-- A slot is a partition of exports.work. It is free if no unit is dispatched to it or running in it, and if it is not
-- closed after a lost attempt whose invocation may still hold the partition.
create table slots (
  partition integer primary key,
  last_used_at timestamptz,
  closed_until timestamptz,
  closed_offset bigint
);

create table outbox (
  id bigint generated always as identity primary key,
  event_id uuid not null unique,
  topic text not null,
  partition integer,
  key bytea,
  value bytea,
  headers jsonb not null default '[]',
  dispatch_id uuid,
  created_at timestamptz not null default now(),
  sent_at timestamptz
);
create index outbox_unsent on outbox (id) where sent_at is null;
create index outbox_sent on outbox (sent_at) where sent_at is not null;
create index outbox_dispatches on outbox (dispatch_id) where dispatch_id is not null;

-- A ticket is for one object and one account. Its secret is stored as a hash.
create table tickets (
  secret_hash bytea primary key,
  export_id uuid not null references exports on delete cascade,
  account_id uuid not null references accounts on delete cascade,
  api_key_id uuid references api_keys on delete cascade,
  object_key text not null,
  created_at timestamptz not null default now(),
  first_use_before timestamptz not null,
  first_used_at timestamptz,
  -- The browser that used it first.
  cookie_hash bytea
);
create index tickets_by_age on tickets (created_at);

-- One export per key: an API client's Idempotency-Key, or source and id of an event.
create table idempotency_keys (
  scope text not null,
  key text not null,
  fingerprint bytea not null,
  export_id uuid references exports on delete cascade,
  created_at timestamptz not null default now(),
  primary key (scope, key)
);
create index idempotency_keys_by_age on idempotency_keys (created_at);
