-- The catalogue as the migrations leave it. Written by `npm run schema`; not run by anything.

create sequence live_subscription_versions as bigint start 1 increment 1 minvalue 1 maxvalue 9223372036854775807;

create sequence migrations_id_seq as integer start 1 increment 1 minvalue 1 maxvalue 2147483647;

CREATE OR REPLACE FUNCTION public.enter_queue_line()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  loop
    insert into queue_lines (owner_id, source, lane, connections, served_at, since)
    select new.owner_id, new.source, new.lane, new.planned_connections,
      coalesce(a.served_at, '-infinity'), new.place
    from accounts a where a.id = new.owner_id
    on conflict do nothing;
    perform 1 from queue_lines
    where owner_id = new.owner_id and source = new.source and lane = new.lane
      and connections = new.planned_connections
    for key share;
    exit when found;
  end loop;
  return null;
end $function$;

CREATE OR REPLACE FUNCTION public.leave_queue_line()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  perform remove_line_if_empty(old.owner_id, old.source, old.lane, old.planned_connections);
  return null;
end $function$;

CREATE OR REPLACE FUNCTION public.place_unit()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if tg_op = 'INSERT' then
    select e.owner_id,
      case when new.kind = 'finalize' then '-infinity' else e.queued_at end,
      case when new.kind = 'finalize' then 'finalize'
        when e.units_total = 1 and e.estimated_seconds > 120 then 'long'
        else 'ordinary' end
    into new.owner_id, new.place, new.lane
    from exports e where e.id = new.export_id;
  end if;
  new.delayed := new.not_before > now();
  return new;
end $function$;

CREATE OR REPLACE FUNCTION public.policy_of(account uuid, request json)
 RETURNS text
 LANGUAGE sql
 STABLE PARALLEL SAFE
RETURN (SELECT CASE WHEN (count(*) <> count(applied.rules)) THEN NULL::text WHEN bool_and((applied.rules = '[{}, []]'::jsonb)) THEN ''::text ELSE encode(sha256(convert_to((jsonb_agg(jsonb_build_array(requested.source, applied.rules) ORDER BY requested.n))::text, 'UTF8'::name)), 'hex'::text) END AS encode FROM (json_array_elements_text((policy_of.request -> 'sources'::text)) WITH ORDINALITY requested(source, n) LEFT JOIN LATERAL (SELECT jsonb_build_array(COALESCE((SELECT jsonb_object_agg(c.key, c.value) AS jsonb_object_agg FROM jsonb_each_text(g.columns) c(key, value) WHERE (c.value <> 'allow'::text)), '{}'::jsonb), g."where") AS rules FROM grants g WHERE ((g.account_id = policy_of.account) AND (g.source = requested.source) AND (g.dataset = ANY (ARRAY[(policy_of.request ->> 'dataset'::text), '*'::text]))) ORDER BY (g.dataset = '*'::text) LIMIT 1) applied ON (true)));

CREATE OR REPLACE FUNCTION audit.protect(functions_role name, keeper name, days integer)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  update audit.settings set retention_days = days where retention_days <> days;
  execute format('alter table audit.entries owner to %I', keeper);
  execute format('alter table audit.settings owner to %I', keeper);
  execute format('alter function audit.remove_expired() owner to %I', keeper);
  execute format('alter function audit.protect(name, name, int) owner to %I', keeper);
  execute format('alter schema audit owner to %I', keeper);
  execute format('revoke all on all tables in schema audit from %I', functions_role);
  execute format('revoke all on all functions in schema audit from public, %I', functions_role);
  execute format('revoke all on schema audit from %I', functions_role);
  execute format('grant usage on schema audit to %I', functions_role);
  execute format('grant select on audit.entries to %I', functions_role);
  -- Not `id` and `at`: an entry cannot be dated back.
  execute format('grant insert (actor_id, actor, action, target, export_id, address, outcome, details)
    on audit.entries to %I', functions_role);
  execute format('grant execute on function audit.remove_expired() to %I', functions_role);
end $function$;

CREATE OR REPLACE FUNCTION audit.remove_expired()
 RETURNS bigint
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  with removed as (
    delete from audit.entries where ctid = any(array(
      select ctid from audit.entries
      where at < now() - make_interval(days => (select retention_days from audit.settings))
      order by at limit 5000))
    returning 1)
  select count(*) from removed
$function$;

CREATE OR REPLACE FUNCTION public.remove_line_if_empty(owner uuid, of_source text, of_lane text, of_connections integer)
 RETURNS boolean
 LANGUAGE plpgsql
AS $function$
begin
  for look in 1..2 loop
    perform 1 from units
    where owner_id = owner and source = of_source and lane = of_lane
      and planned_connections = of_connections and state = 'queued' and not delayed
    limit 1;
    if found then return false; end if;
    if look = 1 then
      perform 1 from queue_lines
      where owner_id = owner and source = of_source and lane = of_lane and connections = of_connections
      for update skip locked;
      if not found then return false; end if;
    end if;
  end loop;
  delete from queue_lines
  where owner_id = owner and source = of_source and lane = of_lane and connections = of_connections;
  return true;
end $function$;

CREATE OR REPLACE FUNCTION public.shape_of(request json)
 RETURNS bigint
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN hashtextextended((json_build_array(((request -> 'sources'::text) ->> 0), (request ->> 'dataset'::text), (request ->> 'format'::text), (request ->> 'compression'::text), (COALESCE((request -> 'columns'::text), '[]'::json))::text))::text, (0)::bigint);

CREATE OR REPLACE FUNCTION public.take_source_connection(connection uuid, of_source text, account uuid, most integer, seconds double precision)
 RETURNS boolean
 LANGUAGE plpgsql
AS $function$
declare
  own integer;
  taken integer;
  opened integer;
  system integer;
begin
  -- What is counted must not change before it is written.
  perform pg_advisory_xact_lock(hashtext('source_connections'), hashtext(of_source));
  delete from source_connections where source = of_source and held_until < clock_timestamp();
  select count(*) filter (where account_id = account), count(account_id),
      count(*) filter (where (idle or account_id is not null) and id <> connection),
      count(*) filter (where account_id is null and not idle)
    into own, taken, opened, system
    from source_connections where source = of_source;
  if account is null then
    if system > 0 then return false; end if;
  elsif own >= most - taken or opened >= most then
    return false;
  end if;
  insert into source_connections (id, source, account_id, held_until)
  values (connection, of_source, account, clock_timestamp() + make_interval(secs => seconds))
  on conflict (id) do update
    set account_id = excluded.account_id, idle = false, held_until = excluded.held_until;
  return true;
end $function$;

create table account_identities (
  issuer text not null,
  subject text not null,
  account_id uuid not null,
  linked_at timestamp with time zone default now() not null
);
alter table account_identities add constraint account_identities_pkey PRIMARY KEY (issuer, subject);
alter table account_identities add constraint account_identities_account_id_issuer_key UNIQUE (account_id, issuer);
alter table account_identities add constraint account_identities_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id) ON DELETE CASCADE;

create table accounts (
  id uuid not null,
  email text not null,
  password_hash text not null,
  role text not null,
  may_request_by_event boolean default false not null,
  created_at timestamp with time zone default now() not null,
  disabled_at timestamp with time zone,
  served_at timestamp with time zone,
  max_rows bigint,
  max_bytes bigint,
  event_mode text default 'unsigned'::text not null,
  event_sources text[],
  max_running_exports integer,
  max_rows_per_day bigint,
  max_bytes_per_day bigint
);
alter table accounts add constraint accounts_pkey PRIMARY KEY (id);
alter table accounts add constraint accounts_event_mode_check CHECK ((event_mode = ANY (ARRAY['unsigned'::text, 'signed'::text])));
alter table accounts add constraint accounts_max_bytes_check CHECK ((max_bytes > 0));
alter table accounts add constraint accounts_max_bytes_per_day_check CHECK ((max_bytes_per_day > 0));
alter table accounts add constraint accounts_max_rows_check CHECK ((max_rows > 0));
alter table accounts add constraint accounts_max_rows_per_day_check CHECK ((max_rows_per_day > 0));
alter table accounts add constraint accounts_max_running_exports_check CHECK ((max_running_exports > 0));
alter table accounts add constraint accounts_role_check CHECK ((role = ANY (ARRAY['analyst'::text, 'admin'::text])));
CREATE UNIQUE INDEX accounts_email ON public.accounts USING btree (lower(email));

create table api_keys (
  id uuid not null,
  account_id uuid not null,
  secret_hash bytea not null,
  created_at timestamp with time zone default now() not null,
  revoked_at timestamp with time zone,
  name text not null,
  prefix text not null,
  scopes text[] not null,
  expires_at timestamp with time zone,
  last_used_at timestamp with time zone
);
alter table api_keys add constraint api_keys_pkey PRIMARY KEY (id);
alter table api_keys add constraint api_keys_secret_hash_key UNIQUE (secret_hash);
alter table api_keys add constraint api_keys_scopes_check CHECK ((scopes <@ '{exports:read,exports:write,files:read,readings:read,readings:write,admin}'::text[]));
alter table api_keys add constraint api_keys_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id) ON DELETE CASCADE;
CREATE INDEX api_keys_by_account ON public.api_keys USING btree (account_id);

create table attempts (
  id uuid not null,
  unit_id uuid not null,
  export_id uuid not null,
  partition integer not null,
  "offset" bigint not null,
  state text default 'running'::text not null,
  object_key text not null,
  upload_id text,
  outcome json,
  started_at timestamp with time zone default now() not null,
  ended_at timestamp with time zone,
  cleared_at timestamp with time zone,
  failure json,
  completing_key text,
  kept boolean default false not null,
  worker text
);
alter table attempts add constraint attempts_pkey PRIMARY KEY (id);
alter table attempts add constraint attempts_state_check CHECK ((state = ANY (ARRAY['running'::text, 'done'::text, 'lost'::text, 'retried'::text, 'yielded'::text, 'failed'::text, 'cancelled'::text])));
alter table attempts add constraint attempts_unit_id_fkey FOREIGN KEY (unit_id) REFERENCES units(id) ON DELETE CASCADE;
CREATE INDEX attempts_by_export ON public.attempts USING btree (export_id);
CREATE INDEX attempts_by_unit ON public.attempts USING btree (unit_id, started_at);
CREATE INDEX attempts_lost ON public.attempts USING btree (partition, "offset") WHERE (state = 'lost'::text);
CREATE INDEX attempts_to_clear ON public.attempts USING btree (ended_at) WHERE ((cleared_at IS NULL) AND (ended_at IS NOT NULL) AND (NOT kept));

create table daily_usage (
  account_id uuid not null,
  day date not null,
  rows bigint default 0 not null,
  bytes bigint default 0 not null
);
alter table daily_usage add constraint daily_usage_pkey PRIMARY KEY (account_id, day);
alter table daily_usage add constraint daily_usage_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id) ON DELETE CASCADE;

create table dead_letter_dispositions (
  topic text not null,
  topic_id uuid not null,
  partition integer not null,
  "offset" bigint not null,
  disposition text not null,
  account_id uuid,
  at timestamp with time zone default now() not null
);
alter table dead_letter_dispositions add constraint dead_letter_dispositions_pkey PRIMARY KEY (topic, topic_id, partition, "offset");
alter table dead_letter_dispositions add constraint dead_letter_dispositions_disposition_check CHECK ((disposition = ANY (ARRAY['replayed'::text, 'discarded'::text])));
alter table dead_letter_dispositions add constraint dead_letter_dispositions_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id) ON DELETE SET NULL;
CREATE INDEX dead_letter_dispositions_by_age ON public.dead_letter_dispositions USING btree (at);

create table delivered_ranges (
  object_key text not null,
  account_id uuid not null,
  ranges int8multirange not null,
  updated_at timestamp with time zone default now() not null
);
alter table delivered_ranges add constraint delivered_ranges_pkey PRIMARY KEY (object_key, account_id);
alter table delivered_ranges add constraint delivered_ranges_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id) ON DELETE CASCADE;
CREATE INDEX delivered_ranges_by_age ON public.delivered_ranges USING btree (updated_at);

create table deliveries (
  topic text not null,
  partition integer not null,
  "offset" bigint not null,
  times integer default 1 not null,
  last_at timestamp with time zone default now() not null
);
alter table deliveries add constraint deliveries_pkey PRIMARY KEY (topic, partition, "offset");
CREATE INDEX deliveries_by_age ON public.deliveries USING btree (last_at);

create table audit.entries (
  id bigint generated always as identity not null,
  at timestamp with time zone default clock_timestamp() not null,
  actor_id uuid,
  actor text not null,
  action text not null,
  target text,
  export_id uuid,
  address text,
  outcome text not null,
  details jsonb default '{}'::jsonb not null
);
alter table audit.entries add constraint entries_pkey PRIMARY KEY (id);
alter table audit.entries add constraint entries_action_check CHECK ((octet_length(action) <= 64));
alter table audit.entries add constraint entries_actor_check CHECK ((octet_length(actor) <= 1280));
alter table audit.entries add constraint entries_address_check CHECK ((octet_length(address) <= 64));
alter table audit.entries add constraint entries_details_check CHECK (((jsonb_typeof(details) = 'object'::text) AND (octet_length((details)::text) <= 8192)));
alter table audit.entries add constraint entries_outcome_check CHECK ((outcome = ANY (ARRAY['done'::text, 'refused'::text, 'failed'::text])));
alter table audit.entries add constraint entries_target_check CHECK ((octet_length(target) <= 2048));
CREATE INDEX entries_by_action ON audit.entries USING btree (action, id DESC);
CREATE INDEX entries_by_actor ON audit.entries USING btree (lower(actor), id DESC);
CREATE INDEX entries_by_export ON audit.entries USING btree (export_id, id DESC) WHERE (export_id IS NOT NULL);
CREATE INDEX entries_by_time ON audit.entries USING btree (at);

create table event_keys (
  account_id uuid not null,
  kid text not null,
  jwk json not null,
  thumbprint text not null,
  created_at timestamp with time zone default now() not null,
  revoked_at timestamp with time zone
);
alter table event_keys add constraint event_keys_pkey PRIMARY KEY (account_id, kid);
alter table event_keys add constraint event_keys_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id) ON DELETE CASCADE;

create table exports (
  id uuid not null,
  owner_id uuid not null,
  state text default 'queued'::text not null,
  request json not null,
  request_event_id text,
  estimated_rows bigint,
  units_total integer default 1 not null,
  units_done integer default 0 not null,
  cancel_requested_at timestamp with time zone,
  created_at timestamp with time zone default now() not null,
  started_at timestamp with time zone,
  finished_at timestamp with time zone,
  expires_at timestamp with time zone,
  downloaded_at timestamp with time zone,
  deleted_at timestamp with time zone,
  file json,
  object_key text,
  object_deleted_at timestamp with time zone,
  manifest json,
  error_code text,
  error_message text,
  run integer default 1 not null,
  queued_at timestamp with time zone default now() not null,
  estimated_seconds integer,
  object_etag text,
  shape bigint generated always as (shape_of(request)) stored,
  policy text default ''::text not null,
  estimated_bytes bigint,
  known_as text generated always as (lower((((((((((((id)::text || '
'::text) || COALESCE((request ->> 'name'::text), ''::text)) || '
'::text) || COALESCE((file ->> 'name'::text), ''::text)) || '
'::text) || COALESCE((request ->> 'dataset'::text), ''::text)) || '.'::text) || COALESCE((request ->> 'format'::text), ''::text)) || '
'::text) || translate(COALESCE((request ->> 'sources'::text), ''::text), '[]"'::text, ''::text)))) stored not null,
  traceparent text
);
alter table exports add constraint exports_pkey PRIMARY KEY (id);
alter table exports add constraint exports_check CHECK (((state <> 'ready'::text) OR ((file IS NOT NULL) AND (object_key IS NOT NULL) AND (manifest IS NOT NULL) AND (expires_at IS NOT NULL))));
alter table exports add constraint exports_check1 CHECK (((state <> 'failed'::text) OR ((error_code IS NOT NULL) AND (error_message IS NOT NULL))));
alter table exports add constraint exports_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'dispatched'::text, 'running'::text, 'completing'::text, 'ready'::text, 'failed'::text, 'cancelled'::text, 'expired'::text])));
alter table exports add constraint exports_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES accounts(id);
CREATE INDEX exports_by_bytes ON public.exports USING btree (owner_id, COALESCE(((file ->> 'bytes'::text))::bigint, ('-1'::integer)::bigint), id) WHERE (deleted_at IS NULL);
CREATE INDEX exports_by_creation ON public.exports USING btree (created_at);
CREATE INDEX exports_by_expiry ON public.exports USING btree (owner_id, COALESCE(expires_at, '-infinity'::timestamp with time zone), id) WHERE (deleted_at IS NULL);
CREATE INDEX exports_by_owner ON public.exports USING btree (owner_id, id DESC) WHERE (deleted_at IS NULL);
CREATE INDEX exports_by_rows ON public.exports USING btree (owner_id, COALESCE(((file ->> 'rows'::text))::bigint, ('-1'::integer)::bigint), id) WHERE (deleted_at IS NULL);
CREATE INDEX exports_by_shape ON public.exports USING btree (shape, id DESC) WHERE (((file ->> 'rows'::text))::bigint > 0);
CREATE INDEX exports_in_progress ON public.exports USING btree (id) WHERE (state = ANY (ARRAY['dispatched'::text, 'running'::text, 'completing'::text]));
CREATE INDEX exports_object_to_delete ON public.exports USING btree (id) WHERE ((object_key IS NOT NULL) AND (object_deleted_at IS NULL) AND ((deleted_at IS NOT NULL) OR (state = 'expired'::text)));
CREATE INDEX exports_to_expire ON public.exports USING btree (expires_at) WHERE (state = 'ready'::text);
CREATE INDEX exports_unfinished ON public.exports USING btree (id) WHERE (state = ANY (ARRAY['queued'::text, 'dispatched'::text, 'running'::text, 'completing'::text]));
CREATE INDEX exports_unfinished_by_owner ON public.exports USING btree (owner_id) WHERE (state = ANY (ARRAY['queued'::text, 'dispatched'::text, 'running'::text, 'completing'::text]));
CREATE INDEX exports_waiting ON public.exports USING btree (owner_id) WHERE (state = 'queued'::text);
CREATE INDEX exports_with_file ON public.exports USING btree (id) WHERE (file IS NOT NULL);

create table file_deliveries (
  request_id text not null,
  export_id uuid not null,
  account_id uuid not null,
  ticket_id uuid not null,
  object_key text not null,
  at timestamp with time zone not null,
  recorded_at timestamp with time zone default now() not null,
  address text not null,
  status integer not null,
  first_byte bigint not null,
  bytes bigint not null,
  complete boolean not null
);
alter table file_deliveries add constraint file_deliveries_pkey PRIMARY KEY (request_id);
alter table file_deliveries add constraint file_deliveries_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id) ON DELETE CASCADE;
alter table file_deliveries add constraint file_deliveries_export_id_fkey FOREIGN KEY (export_id) REFERENCES exports(id) ON DELETE CASCADE;
CREATE INDEX file_deliveries_by_age ON public.file_deliveries USING btree (recorded_at);
CREATE INDEX file_deliveries_by_export ON public.file_deliveries USING btree (export_id);

create table grants (
  account_id uuid not null,
  source text not null,
  dataset text default '*'::text not null,
  columns jsonb default '{}'::jsonb not null,
  "where" jsonb default '[]'::jsonb not null
);
alter table grants add constraint grants_pkey PRIMARY KEY (account_id, source, dataset);
alter table grants add constraint grants_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id) ON DELETE CASCADE;

create table idempotency_keys (
  scope text not null,
  key text not null,
  fingerprint bytea not null,
  export_id uuid,
  created_at timestamp with time zone default now() not null
);
alter table idempotency_keys add constraint idempotency_keys_pkey PRIMARY KEY (scope, key);
alter table idempotency_keys add constraint idempotency_keys_export_id_fkey FOREIGN KEY (export_id) REFERENCES exports(id) ON DELETE CASCADE;
CREATE INDEX idempotency_keys_by_age ON public.idempotency_keys USING btree (created_at);

create table live_batches (
  topic text not null,
  partition integer not null,
  epoch integer not null,
  first_offset bigint not null,
  next_offset bigint not null,
  stored_at timestamp with time zone default now() not null,
  bytes integer not null,
  items text not null
);
alter table live_batches add constraint live_batches_pkey PRIMARY KEY (topic, partition, epoch, next_offset);
CREATE INDEX live_batches_by_age ON public.live_batches USING btree (stored_at);

create table live_connections (
  id text not null,
  account_id uuid not null,
  api_key_id uuid,
  connected_at timestamp with time zone default now() not null,
  seen_at timestamp with time zone default now() not null,
  next_cursor text,
  sent_round bigint default 0 not null,
  failures integer default 0 not null,
  retry_at timestamp with time zone,
  replay_id uuid,
  replay_until timestamp with time zone,
  session_id uuid
);
alter table live_connections add constraint live_connections_pkey PRIMARY KEY (id);
alter table live_connections add constraint live_connections_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id) ON DELETE CASCADE;
alter table live_connections add constraint live_connections_api_key_id_fkey FOREIGN KEY (api_key_id) REFERENCES api_keys(id) ON DELETE CASCADE;
alter table live_connections add constraint live_connections_session_id_fkey FOREIGN KEY (session_id) REFERENCES sessions(id) ON DELETE CASCADE;
CREATE INDEX live_connections_by_account ON public.live_connections USING btree (account_id);
CREATE INDEX live_connections_by_session ON public.live_connections USING btree (session_id) WHERE (session_id IS NOT NULL);

create table live_positions (
  topic text not null,
  partition integer not null,
  epoch integer not null,
  next_offset bigint not null,
  sent_epoch integer not null,
  sent_offset bigint not null
);
alter table live_positions add constraint live_positions_pkey PRIMARY KEY (topic, partition);

create table live_sender (
  one boolean default true not null,
  round bigint default 0 not null,
  confirmed_round bigint default 0 not null,
  round_at timestamp with time zone default now() not null
);
alter table live_sender add constraint live_sender_pkey PRIMARY KEY (one);
alter table live_sender add constraint live_sender_one_check CHECK (one);

create table live_subscriptions (
  connection_id text not null,
  series text[] not null,
  version bigint default nextval('live_subscription_versions'::regclass) not null
);
alter table live_subscriptions add constraint live_subscriptions_pkey PRIMARY KEY (connection_id);
alter table live_subscriptions add constraint live_subscriptions_connection_id_fkey FOREIGN KEY (connection_id) REFERENCES live_connections(id) ON DELETE CASCADE;

create table live_tickets (
  secret_hash bytea not null,
  account_id uuid not null,
  api_key_id uuid,
  expires_at timestamp with time zone not null,
  session_id uuid
);
alter table live_tickets add constraint live_tickets_pkey PRIMARY KEY (secret_hash);
alter table live_tickets add constraint live_tickets_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id) ON DELETE CASCADE;
alter table live_tickets add constraint live_tickets_api_key_id_fkey FOREIGN KEY (api_key_id) REFERENCES api_keys(id) ON DELETE CASCADE;
alter table live_tickets add constraint live_tickets_session_id_fkey FOREIGN KEY (session_id) REFERENCES sessions(id) ON DELETE CASCADE;
CREATE INDEX live_tickets_by_expiry ON public.live_tickets USING btree (expires_at);
CREATE INDEX live_tickets_by_session ON public.live_tickets USING btree (session_id) WHERE (session_id IS NOT NULL);

create table migrations (
  id integer default nextval('migrations_id_seq'::regclass) not null,
  name character varying(255) not null,
  run_on timestamp without time zone not null
);
alter table migrations add constraint migrations_pkey PRIMARY KEY (id);

create table outbox (
  id bigint generated always as identity not null,
  event_id uuid not null,
  topic text not null,
  partition integer,
  key bytea,
  value bytea,
  headers jsonb default '[]'::jsonb not null,
  dispatch_id uuid,
  created_at timestamp with time zone default now() not null,
  sent_at timestamp with time zone,
  failed_at timestamp with time zone,
  failure text,
  bytes integer generated always as (((COALESCE(octet_length(key), 0) + COALESCE(octet_length(value), 0)) + octet_length((headers)::text))) stored not null
);
alter table outbox add constraint outbox_pkey PRIMARY KEY (id);
alter table outbox add constraint outbox_event_id_key UNIQUE (event_id);
alter table outbox add constraint outbox_check CHECK (((failed_at IS NULL) OR (sent_at IS NULL)));
CREATE INDEX outbox_dead_letters ON public.outbox USING btree (created_at) WHERE (topic ~~ '%.dlq'::text);
CREATE INDEX outbox_dispatches ON public.outbox USING btree (dispatch_id) WHERE (dispatch_id IS NOT NULL);
CREATE INDEX outbox_failed ON public.outbox USING btree (failed_at) WHERE (failed_at IS NOT NULL);
CREATE INDEX outbox_oldest_unsent ON public.outbox USING btree (created_at) WHERE ((sent_at IS NULL) AND (failed_at IS NULL));
CREATE INDEX outbox_sent ON public.outbox USING btree (sent_at) WHERE (sent_at IS NOT NULL);
CREATE INDEX outbox_unsent ON public.outbox USING btree (topic, COALESCE(partition, '-1'::integer), id) WHERE ((sent_at IS NULL) AND (failed_at IS NULL));

create unlogged table previews (
  account_id uuid not null,
  id uuid not null,
  held_until timestamp with time zone not null
);
alter table previews add constraint previews_pkey PRIMARY KEY (account_id);

create table queue_lines (
  owner_id uuid not null,
  source text not null,
  lane text not null,
  connections integer not null,
  served_at timestamp with time zone not null,
  since timestamp with time zone not null
);
alter table queue_lines add constraint queue_lines_pkey PRIMARY KEY (owner_id, source, lane, connections);
CREATE INDEX queue_lines_in_order ON public.queue_lines USING btree (source, lane, connections, served_at, since, owner_id);

create table sessions (
  id uuid not null,
  account_id uuid not null,
  created_at timestamp with time zone default now() not null,
  expires_at timestamp with time zone not null,
  revoked_at timestamp with time zone,
  address text not null,
  user_agent text not null
);
alter table sessions add constraint sessions_pkey PRIMARY KEY (id);
alter table sessions add constraint sessions_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id) ON DELETE CASCADE;
CREATE INDEX sessions_by_account ON public.sessions USING btree (account_id);
CREATE INDEX sessions_by_expiry ON public.sessions USING btree (expires_at);

create table audit.settings (
  one boolean default true not null,
  retention_days integer default 400 not null
);
alter table audit.settings add constraint settings_pkey PRIMARY KEY (one);
alter table audit.settings add constraint settings_one_check CHECK (one);
alter table audit.settings add constraint settings_retention_days_check CHECK (((retention_days >= 1) AND (retention_days <= 36500)));

create table sign_in_failures (
  subject bytea not null,
  failed_at timestamp with time zone[] not null,
  last_failed_at timestamp with time zone not null
);
alter table sign_in_failures add constraint sign_in_failures_pkey PRIMARY KEY (subject);
CREATE INDEX sign_in_failures_by_age ON public.sign_in_failures USING btree (last_failed_at);

create table slots (
  partition integer not null,
  last_used_at timestamp with time zone,
  closed_until timestamp with time zone,
  closed_offset bigint
);
alter table slots add constraint slots_pkey PRIMARY KEY (partition);

create unlogged table source_connections (
  id uuid not null,
  source text not null,
  account_id uuid,
  idle boolean default false not null,
  held_until timestamp with time zone not null
);
alter table source_connections add constraint source_connections_pkey PRIMARY KEY (id);
CREATE INDEX source_connections_by_source ON public.source_connections USING btree (source);

create table source_pauses (
  source text not null,
  reason text not null,
  paused_by uuid not null,
  paused_at timestamp with time zone default now() not null
);
alter table source_pauses add constraint source_pauses_pkey PRIMARY KEY (source);
alter table source_pauses add constraint source_pauses_paused_by_fkey FOREIGN KEY (paused_by) REFERENCES accounts(id);

create table sweep_passes (
  one boolean default true not null,
  ended_at timestamp with time zone not null
);
alter table sweep_passes add constraint sweep_passes_pkey PRIMARY KEY (one);
alter table sweep_passes add constraint sweep_passes_one_check CHECK (one);

create table tickets (
  secret_hash bytea not null,
  export_id uuid not null,
  account_id uuid not null,
  api_key_id uuid,
  object_key text not null,
  created_at timestamp with time zone default now() not null,
  first_use_before timestamp with time zone not null,
  first_used_at timestamp with time zone,
  cookie_hash bytea,
  session_id uuid,
  revoked_at timestamp with time zone,
  id uuid default gen_random_uuid() not null
);
alter table tickets add constraint tickets_pkey PRIMARY KEY (secret_hash);
alter table tickets add constraint tickets_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id) ON DELETE CASCADE;
alter table tickets add constraint tickets_api_key_id_fkey FOREIGN KEY (api_key_id) REFERENCES api_keys(id) ON DELETE CASCADE;
alter table tickets add constraint tickets_export_id_fkey FOREIGN KEY (export_id) REFERENCES exports(id) ON DELETE CASCADE;
alter table tickets add constraint tickets_session_id_fkey FOREIGN KEY (session_id) REFERENCES sessions(id) ON DELETE CASCADE;
CREATE INDEX tickets_by_age ON public.tickets USING btree (created_at);
CREATE INDEX tickets_by_cookie ON public.tickets USING btree (cookie_hash) WHERE (cookie_hash IS NOT NULL);
CREATE INDEX tickets_by_session ON public.tickets USING btree (session_id) WHERE (session_id IS NOT NULL);
CREATE INDEX tickets_of_account ON public.tickets USING btree (account_id);

create table units (
  id uuid not null,
  export_id uuid not null,
  kind text not null,
  ordinal integer default 0 not null,
  source text not null,
  state text default 'queued'::text not null,
  planned_connections integer default 1 not null,
  not_before timestamp with time zone default now() not null,
  created_at timestamp with time zone default now() not null,
  dispatch_id uuid,
  partition integer,
  "offset" bigint,
  attempt_id uuid,
  lease_until timestamp with time zone,
  rows bigint default 0 not null,
  bytes bigint default 0 not null,
  lost_attempts integer default 0 not null,
  retries integer default 0 not null,
  run integer default 1 not null,
  range json,
  outcome json,
  object_key text,
  checkpoint json,
  owner_id uuid not null,
  place timestamp with time zone not null,
  lane text not null,
  delayed boolean default false not null,
  running_since timestamp with time zone
);
alter table units add constraint units_pkey PRIMARY KEY (id);
alter table units add constraint units_export_id_run_kind_ordinal_key UNIQUE (export_id, run, kind, ordinal);
alter table units add constraint units_kind_check CHECK ((kind = ANY (ARRAY['read'::text, 'finalize'::text])));
alter table units add constraint units_lane_check CHECK ((lane = ANY (ARRAY['finalize'::text, 'ordinary'::text, 'long'::text])));
alter table units add constraint units_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'dispatched'::text, 'running'::text, 'done'::text, 'failed'::text, 'cancelled'::text])));
alter table units add constraint units_export_id_fkey FOREIGN KEY (export_id) REFERENCES exports(id) ON DELETE CASCADE;
CREATE INDEX units_by_source ON public.units USING btree (source) WHERE (state = ANY (ARRAY['dispatched'::text, 'running'::text]));
CREATE INDEX units_delayed ON public.units USING btree (not_before) WHERE ((state = 'queued'::text) AND delayed);
CREATE INDEX units_in_slots ON public.units USING btree (partition) WHERE (state = ANY (ARRAY['dispatched'::text, 'running'::text]));
CREATE INDEX units_queued ON public.units USING btree (created_at) WHERE (state = 'queued'::text);
CREATE INDEX units_waiting ON public.units USING btree (owner_id, source, lane, planned_connections, place, export_id, ordinal) WHERE ((state = 'queued'::text) AND (NOT delayed));
CREATE TRIGGER units_deleted_from_queue AFTER DELETE ON public.units FOR EACH ROW WHEN (((old.state = 'queued'::text) AND (NOT old.delayed))) EXECUTE FUNCTION leave_queue_line();
CREATE TRIGGER units_enter_queue AFTER INSERT ON public.units FOR EACH ROW WHEN (((new.state = 'queued'::text) AND (NOT new.delayed))) EXECUTE FUNCTION enter_queue_line();
CREATE TRIGGER units_leave_queue AFTER UPDATE ON public.units FOR EACH ROW WHEN (((old.state = 'queued'::text) AND (NOT old.delayed) AND ((new.state <> 'queued'::text) OR new.delayed))) EXECUTE FUNCTION leave_queue_line();
CREATE TRIGGER units_place BEFORE INSERT OR UPDATE OF not_before ON public.units FOR EACH ROW EXECUTE FUNCTION place_unit();
CREATE TRIGGER units_return_to_queue AFTER UPDATE ON public.units FOR EACH ROW WHEN (((new.state = 'queued'::text) AND (NOT new.delayed) AND ((old.state <> 'queued'::text) OR old.delayed))) EXECUTE FUNCTION enter_queue_line();
