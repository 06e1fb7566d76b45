-- Up Migration

-- The text in which a list of exports is searched, one name per line. Stored, because a request may have 256 kB of JSON.
alter table exports add column known_as text not null generated always as (lower(
  id::text
  || E'\n' || coalesce(file->>'name', '')
  || E'\n' || coalesce(request->>'dataset', '') || '.' || coalesce(request->>'format', '')
  || E'\n' || translate(coalesce(request->>'sources', ''), '[]"', '')
)) stored;
