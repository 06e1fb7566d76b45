-- Up Migration

-- Equal for exports of the same rows in the same form: an estimate uses the latest of them. Stored, because a request
-- may have 256 kB of JSON.
create function shape_of(request json) returns bigint immutable parallel safe
return hashtextextended(
  json_build_array(
    request->'sources'->>0, request->>'dataset', request->>'format', request->>'compression',
    coalesce(request->'columns', '[]')::text
  )::text, 0);

alter table exports add column shape bigint generated always as (shape_of(request)) stored;
create index exports_by_shape on exports (shape, id desc) where (file->>'rows')::bigint > 0;
