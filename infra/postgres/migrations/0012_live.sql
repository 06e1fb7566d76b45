-- Up Migration

-- The right of an account to open one live socket. Deleted when it is used.
create table live_tickets (
  secret_hash bytea primary key,
  account_id uuid not null references accounts on delete cascade,
  -- The key with which it was asked for; null: a session.
  api_key_id uuid references api_keys on delete cascade,
  expires_at timestamptz not null
);
create index live_tickets_by_expiry on live_tickets (expires_at);

-- Open live sockets. A row without a socket stays until a message cannot be delivered, or until the gateway must have
-- closed its socket.
create table live_connections (
  -- Given by the gateway.
  id text primary key,
  account_id uuid not null references accounts on delete cascade,
  api_key_id uuid references api_keys on delete cascade,
  connected_at timestamptz not null default now(),
  -- When something was last sent on it, in either direction.
  seen_at timestamptz not null default now(),
  -- `next` of the last message with readings, recorded before it is sent. Null: there was none.
  next_cursor text,
  -- The round in which that was.
  sent_round bigint not null default 0,
  -- Failed deliveries since the last one that succeeded, and when to try again. While it waits, it gets no readings.
  failures integer not null default 0,
  retry_at timestamptz,
  -- While a replay sends earlier readings, the sender sends none. A replay that has not ended by then is lost.
  replay_id uuid,
  replay_until timestamptz
) with (fillfactor = 50);
create index live_connections_by_account on live_connections (account_id);

-- Of connections that have any. The sender keeps the series of a version in memory.
create sequence live_subscription_versions;
create table live_subscriptions (
  connection_id text primary key references live_connections on delete cascade,
  series text[] not null,
  version bigint not null default nextval('live_subscription_versions')
);

-- How far the fan-out has read a partition, and how far the sender has sent it.
create table live_positions (
  topic text not null,
  partition integer not null,
  epoch integer not null,
  next_offset bigint not null,
  sent_epoch integer not null,
  sent_offset bigint not null,
  primary key (topic, partition)
) with (fillfactor = 50);

-- What the fan-out has read lately, for the sender and for replays of what is not stored in the readings yet.
create table live_batches (
  topic text not null,
  partition integer not null,
  epoch integer not null,
  first_offset bigint not null,
  -- After the last record.
  next_offset bigint not null,
  stored_at timestamptz not null default now(),
  bytes integer not null,
  -- JSON: [[offset, series, item as JSON], …], in the order of offsets.
  items text not null,
  primary key (topic, partition, epoch, next_offset)
);
create index live_batches_by_age on live_batches (stored_at);

-- The rounds of the one sender, in a single row. Connections with a later round than the confirmed one may not have got
-- their last message.
create table live_sender (
  one boolean primary key default true check (one),
  round bigint not null default 0,
  confirmed_round bigint not null default 0,
  round_at timestamptz not null default now()
) with (fillfactor = 50);
insert into live_sender default values;
