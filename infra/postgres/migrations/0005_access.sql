-- Up Migration

-- When sign-ins failed, of an account (by the email that was given, whether it exists or not) and of an address.
-- The subject is a hash: what people type into the wrong field is often a password.
create table sign_in_failures (
  subject bytea primary key,
  failed_at timestamptz[] not null,
  last_failed_at timestamptz not null
);
create index sign_in_failures_by_age on sign_in_failures (last_failed_at);

-- Which events may ask in the name of the account: all of them or signed ones alone, of all sources (null) or of these.
alter table accounts
  add column event_mode text not null default 'unsigned' check (event_mode in ('unsigned', 'signed')),
  add column event_sources text[];

-- The public keys by which an account signs events. A revoked one stays: its kid is never given to another key.
create table event_keys (
  account_id uuid not null references accounts on delete cascade,
  kid text not null,
  -- The JWK as it was registered.
  jwk json not null,
  -- RFC 7638, by which two keys are compared.
  thumbprint text not null,
  created_at timestamptz not null default now(),
  revoked_at timestamptz,
  primary key (account_id, kid)
);
