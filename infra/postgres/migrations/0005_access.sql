-- Up Migration

-- When sign-ins failed, by email (whether the account exists or not) and by address. The subject is a hash, because
-- people often type a password into the wrong field.
create table sign_in_failures (
  subject bytea primary key,
  failed_at timestamptz[] not null,
  last_failed_at timestamptz not null
);
create index sign_in_failures_by_age on sign_in_failures (last_failed_at);

-- Which events may request exports for the account: all or only signed ones, from all event sources (null) or from these.
alter table accounts
  add column event_mode text not null default 'unsigned' check (event_mode in ('unsigned', 'signed')),
  add column event_sources text[];

-- The public keys of an account for signed events. A revoked key stays, so that its kid is never used for another key.
create table event_keys (
  account_id uuid not null references accounts on delete cascade,
  kid text not null,
  -- The JWK as it was registered.
  jwk json not null,
  -- By RFC 7638; identifies the key whatever its kid.
  thumbprint text not null,
  created_at timestamptz not null default now(),
  revoked_at timestamptz,
  primary key (account_id, kid)
);
