-- Up Migration

-- What a list of exports is searched by, a name a line. Kept, as a request may be a quarter of a megabyte of JSON.
alter table exports add column known_as text not null generated always as (lower(
  id::text
  || E'\n' || coalesce(file->>'name', '')
  || E'\n' || coalesce(request->>'dataset', '') || '.' || coalesce(request->>'format', '')
  || E'\n' || translate(coalesce(request->>'sources', ''), '[]"', '')
)) stored;
