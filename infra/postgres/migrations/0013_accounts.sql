-- Up Migration

-- A session begins with a sign-in. Its token names it, and is accepted while the session is neither ended nor expired.
create table sessions (
  id uuid primary key,
  account_id uuid not null references accounts on delete cascade,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  revoked_at timestamptz,
  -- Of the sign-in, for its owner.
  address text not null,
  user_agent text not null
);
create index sessions_by_account on sessions (account_id);
create index sessions_by_expiry on sessions (expires_at);

alter table api_keys
  add column name text not null default '',
  -- The first characters of the secret, by which its owner recognises it.
  add column prefix text not null default 'ssk_',
  add column scopes text[] not null default '{}',
  add column expires_at timestamptz,
  -- Written at most once a minute.
  add column last_used_at timestamptz;
-- Keys of earlier versions may do what their accounts may.
update api_keys k
  set name = 'Key of an earlier version',
    scopes = '{exports:read,exports:write,files:read,readings:read,readings:write}'::text[]
      || case a.role when 'admin' then '{admin}'::text[] else '{}'::text[] end
  from accounts a where a.id = k.account_id;
alter table api_keys
  alter column name drop default,
  alter column prefix drop default,
  alter column scopes drop default,
  add check (scopes <@ '{exports:read,exports:write,files:read,readings:read,readings:write,admin}'::text[]);
create index api_keys_by_account on api_keys (account_id);

-- The session or key with which a ticket was asked for. Both null: by an earlier version.
alter table tickets
  add column session_id uuid references sessions on delete cascade,
  add column revoked_at timestamptz;
create index tickets_by_session on tickets (session_id) where session_id is not null;
create index tickets_of_account on tickets (account_id);
alter table live_tickets add column session_id uuid references sessions on delete cascade;
create index live_tickets_by_session on live_tickets (session_id) where session_id is not null;
alter table live_connections add column session_id uuid references sessions on delete cascade;
create index live_connections_by_session on live_connections (session_id) where session_id is not null;
