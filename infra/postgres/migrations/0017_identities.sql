-- Up Migration

-- Who an account is to an OpenID provider: one identity for each provider. Linked at the first sign-in.
create table account_identities (
  issuer text not null,
  subject text not null,
  account_id uuid not null references accounts on delete cascade,
  linked_at timestamptz not null default now(),
  primary key (issuer, subject),
  unique (account_id, issuer)
);
