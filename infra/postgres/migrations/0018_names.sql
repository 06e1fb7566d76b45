-- Up Migration

-- A search finds an export by the name that people gave it, too.
alter table exports drop column known_as;
alter table exports add column known_as text not null generated always as (lower(
  id::text
  || E'\n' || coalesce(request->>'name', '')
  || E'\n' || coalesce(file->>'name', '')
  || E'\n' || coalesce(request->>'dataset', '') || '.' || coalesce(request->>'format', '')
  || E'\n' || translate(coalesce(request->>'sources', ''), '[]"', '')
)) stored;

-- The orders of an account's list, lib/exports/list-exports.ts. An export without the value is the least.
create index exports_by_rows on exports (owner_id, (coalesce((file ->> 'rows')::bigint, -1)), id)
  where deleted_at is null;
create index exports_by_bytes on exports (owner_id, (coalesce((file ->> 'bytes')::bigint, -1)), id)
  where deleted_at is null;
create index exports_by_expiry on exports (owner_id, (coalesce(expires_at, '-infinity')), id)
  where deleted_at is null;
